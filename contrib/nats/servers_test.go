package nats_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A serving is a server that runs in a process of its own, so that it can be killed.
type serving struct {
	Name, Addr, Dir string
	Routes          []string // to the other servers of its cluster
	Size            int      // of the cluster, 0 for none
}

// serve is the role of such a process.
func serve(config string) error {
	var c serving
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	host, port, err := split(c.Addr)
	if err != nil {
		return err
	}
	o := &server.Options{
		ServerName: c.Name, Host: host, Port: port, JetStream: true, StoreDir: filepath.Join(c.Dir, "jetstream"),
		JetStreamLimits: server.JSLimitOpts{}, PingInterval: time.Second,
	}
	if c.Size > 0 {
		o.Cluster = server.ClusterOpts{
			Name: "sessions", Host: host, Port: port + routeOffset, PingInterval: 500 * time.Millisecond, MaxPingsOut: 2,
			Advertise: "127.0.0.1:1", // a server that is cut off must not find a way around the proxies
		}
		for _, route := range c.Routes {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: route})
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return nil
}

// routeOffset is how far the port for other servers is from that for clients.
const routeOffset = 10000

func split(addr string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(number)
	}
	return host, port, err
}

// startProcess starts a server in a process of its own.
func startProcess(t testing.TB, c serving) *servertest.Server {
	t.Helper()
	return servertest.StartProgram(t, servertest.Program{
		Name: "nats", Path: os.Args[0], Offsets: []int{routeOffset},
		Env: func(addr, dir string) []string {
			c.Addr, c.Dir = addr, dir
			text, err := json.Marshal(c)
			if err != nil {
				panic(err)
			}
			return proctest.Env("serve", string(text))
		},
		Answer: func(addr string) error {
			nc, err := natsgo.Connect("nats://" + addr)
			if err == nil {
				nc.Close()
			}
			return err
		},
	})
}

// A cluster is three servers with proxies between them.
type cluster struct {
	servers [3]*servertest.Server
	between map[[2]int]*servertest.Proxy // of i and j, i < j
	js      jetstream.JetStream
}

// startCluster starts a cluster and creates the bucket in it.
func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{between: make(map[[2]int]*servertest.Proxy)}
	for i := range c.servers {
		for j := i + 1; j < len(c.servers); j++ {
			c.between[[2]int{i, j}] = servertest.NewProxy(t, "127.0.0.1:1")
		}
	}
	for i := range c.servers {
		s := serving{Name: "s" + strconv.Itoa(i), Size: len(c.servers)}
		for j := i + 1; j < len(c.servers); j++ {
			s.Routes = append(s.Routes, c.between[[2]int{i, j}].Addr)
		}
		for j := range i { // a server wants as many routes as there are others, but these come by themselves
			s.Routes = append(s.Routes, "127.0.0.1:"+strconv.Itoa(j+1))
		}
		c.servers[i] = startProcess(t, s)
		host, port, err := split(c.servers[i].Addr)
		must(t, err)
		for j := range i {
			c.between[[2]int{j, i}].SetTarget(net.JoinHostPort(host, strconv.Itoa(port+routeOffset)))
		}
	}
	nc, err := natsgo.Connect(c.urls(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(100*time.Millisecond))
	must(t, err)
	t.Cleanup(nc.Close)
	c.js, err = jetstream.New(nc)
	must(t, err)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		b, err := nodes(c.config())()
		if err == nil {
			must(t, b.Close())
			return c
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func (c *cluster) urls() string {
	var list []string
	for _, s := range c.servers {
		list = append(list, "nats://"+s.Addr)
	}
	return strings.Join(list, ",")
}

func (c *cluster) config() string {
	return fmt.Sprintf(`{"url": %q, "replicas": 3}`, c.urls())
}

// nodes is like the function of this name, but each node has another server than the one before, and learns of the others
// from it. So a server that fails has one node of three. By themselves all three may choose the same server, and then a
// minute is too short for their requests.
func (c *cluster) nodes() func(...session.ManagerConfigOpt) (*session.Manager, error) {
	var opened atomic.Int64
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		server := c.servers[int(opened.Add(1))%len(c.servers)]
		return nodes(fmt.Sprintf(`{"url": "nats://%s", "replicas": 3}`, server.Addr))(opts...)
	}
}

// leader waits until the bucket has a leader and two replicas that are up to date, and returns the leader's number.
func (c *cluster) leader(t testing.TB) int {
	t.Helper()
	var last any
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s, err := c.js.Stream(t.Context(), "KV_sessions")
		if last = err; err != nil {
			continue
		}
		info := s.CachedInfo()
		current := 0
		for _, r := range info.Cluster.Replicas {
			if r.Current && !r.Offline {
				current++
			}
		}
		if last = info.Cluster; info.Cluster.Leader != "" && current == 2 {
			n, err := strconv.Atoi(strings.TrimPrefix(info.Cluster.Leader, "s"))
			must(t, err)
			return n
		}
	}
	t.Fatalf("the bucket has no leader with two replicas: %+v", last)
	return 0
}

// cut cuts a server off from the others, until mend is called.
func (c *cluster) cut(n int) (mend func()) {
	var cut []*servertest.Proxy
	for pair, p := range c.between {
		if pair[0] == n || pair[1] == n {
			p.Refuse(true)
			p.Reset()
			cut = append(cut, p)
		}
	}
	return func() {
		for _, p := range cut {
			p.Refuse(false)
		}
	}
}
