package servertest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A Sentinel is a Redis master with two replicas and three sentinels. About two seconds after the master is killed, the
// sentinels make a replica the master.
type Sentinel struct {
	MasterName string    // the sentinels' name for the master
	Addrs      []string  // of the sentinels
	Servers    []*Server // the first is the master at the beginning
	Sentinels  []*Server // in the order of Addrs
}

// SentinelOptions are the passwords of the user default; "" means no password.
type SentinelOptions struct {
	Password         string // of the servers
	SentinelPassword string // of the sentinels
}

var sharedSentinel shared[*Sentinel]

// RedisSentinel returns the servers that all tests of the binary share.
func RedisSentinel(t testing.TB) *Sentinel {
	t.Helper()
	return sharedSentinel.get(t, func(t testing.TB) *Sentinel { return StartSentinel(t) })
}

// StartSentinel starts servers for t with o, at most one, and stops them when t ends. It returns when a failover is
// possible: the replicas follow the master, and the sentinels know all of them.
func StartSentinel(t testing.TB, o ...SentinelOptions) *Sentinel {
	t.Helper()
	program := redisServer(t)
	var options SentinelOptions
	if len(o) > 0 {
		options = o[0]
	}
	return together(t, func() (*Sentinel, error) { return startSentinel(t, program, options) })
}

// together starts servers that name each other's ports, so that all are started anew when one of these was taken.
func together[T any](t testing.TB, start func() (T, error)) T {
	t.Helper()
	var err error
	for range 3 {
		var v T
		if v, err = start(); err == nil {
			return v
		}
	}
	t.Fatal(err)
	panic("unreachable")
}

func startSentinel(t testing.TB, program string, o SentinelOptions) (*Sentinel, error) {
	t.Helper()
	ports, err := pickPorts(t, 6)
	if err != nil {
		return nil, err
	}
	s := &Sentinel{MasterName: "mymaster"}
	redis := RedisOptions{Password: o.Password}
	for i, p := range ports[:3] {
		if i == 1 {
			redis.Config = []string{fmt.Sprintf("replicaof 127.0.0.1 %d", ports[0].number)}
		}
		server, err := launchOn(t, "redis", p, redisPlan(program, redis))
		if err != nil {
			return nil, err
		}
		s.Servers = append(s.Servers, server)
	}
	for i, p := range ports[3:] {
		server, err := launchOn(t, "sentinel", p, sentinelPlan(program, ports, i, o))
		if err != nil {
			return nil, err
		}
		s.Sentinels = append(s.Sentinels, server)
		s.Addrs = append(s.Addrs, server.Addr)
	}
	return s, s.await()
}

func sentinelPlan(program string, ports []*port, number int, o SentinelOptions) plan {
	return func(s *Server) error {
		s.login = redisLogin{password: o.SentinelPassword}
		config := sentinelConfig(ports, number, o)
		file, err := writeFile(s.dir, "sentinel.conf", strings.Join(append(config, "dir "+s.dir), "\n")+"\n")
		s.argv = []string{program, file, "--sentinel"}
		s.answer = s.ping
		return err
	}
}

// sentinelConfig names the replicas and the other sentinels, which takes ten seconds to find out otherwise.
func sentinelConfig(ports []*port, number int, o SentinelOptions) []string {
	id := func(number int) string { return fmt.Sprintf("%040x", number+1) }
	lines := []string{
		"bind 127.0.0.1",
		fmt.Sprintf("port %d", ports[3+number].number),
		"sentinel myid " + id(number),
		fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %d 2", ports[0].number),
		"sentinel down-after-milliseconds mymaster 1000",
		"sentinel failover-timeout mymaster 5000",
	}
	if o.Password != "" {
		lines = append(lines, "sentinel auth-pass mymaster "+o.Password)
	}
	if o.SentinelPassword != "" {
		lines = append(lines, "requirepass "+o.SentinelPassword, "sentinel sentinel-pass "+o.SentinelPassword)
	}
	for _, p := range ports[1:3] {
		lines = append(lines, fmt.Sprintf("sentinel known-replica mymaster 127.0.0.1 %d", p.number))
	}
	for i, p := range ports[3:] {
		if i != number {
			lines = append(lines, fmt.Sprintf("sentinel known-sentinel mymaster 127.0.0.1 %d %s", p.number, id(i)))
		}
	}
	return lines
}

// await returns when the replicas are in step, and each sentinel is in touch with all others.
func (s *Sentinel) await() error {
	return poll(func() error {
		for _, replica := range s.Servers[1:] {
			if err := infoHas(replica, "replication", "master_link_status:up"); err != nil {
				return err
			}
		}
		for _, sentinel := range s.Sentinels {
			reply, err := sentinel.redis("SENTINEL", "CKQUORUM", s.MasterName)
			if err != nil {
				return err
			}
			if text, _ := reply.(string); !strings.HasPrefix(text, "OK 3 usable") {
				return fmt.Errorf("SENTINEL CKQUORUM: %v", reply)
			}
			if err := infoHas(sentinel, "sentinel", "status=ok", "slaves=2", "sentinels=3"); err != nil {
				return err
			}
		}
		return nil
	})
}

// Master returns the server that the sentinels agree on as the master and that agrees itself. During a failover it waits.
func (s *Sentinel) Master(t testing.TB) *Server {
	t.Helper()
	var master *Server
	err := poll(func() error {
		var err error
		master, err = s.master()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return master
}

func (s *Sentinel) master() (*Server, error) {
	votes := make(map[string]int)
	for _, sentinel := range s.Sentinels {
		reply, err := sentinel.redis("SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.MasterName)
		if pair, ok := reply.([]any); err == nil && ok && len(pair) == 2 {
			votes[fmt.Sprintf("%v:%v", pair[0], pair[1])]++
		}
	}
	for _, server := range s.Servers {
		if votes[server.Addr] >= 2 {
			return server, infoHas(server, "replication", "role:master")
		}
	}
	return nil, fmt.Errorf("the sentinels do not agree on a master: %v", votes)
}

// infoHas returns nil when each of want is in a section of INFO.
func infoHas(s *Server, section string, want ...string) error {
	reply, err := s.redis("INFO", section)
	if err != nil {
		return err
	}
	for _, w := range want {
		if text, _ := reply.(string); !strings.Contains(text, w) {
			return fmt.Errorf("INFO %s of %s: no %s in %q", section, s.Addr, w, text)
		}
	}
	return nil
}

// poll calls f until it returns nil, for as long as a server may take to start.
func poll(f func() error) error {
	limit := time.Now().Add(startTime)
	for {
		err := f()
		if err == nil || time.Now().After(limit) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func pickPorts(t testing.TB, n int, offsets ...int) ([]*port, error) {
	var ports []*port
	for range n {
		p, err := pickPort(offsets...)
		if err != nil {
			return nil, err
		}
		t.Cleanup(p.close)
		ports = append(ports, p)
	}
	return ports, nil
}
