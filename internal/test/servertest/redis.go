package servertest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
)

var sharedRedis shared[*Server]

// Redis returns the Redis server that all tests of the binary share. It has no password and no TLS, and stores nothing on
// disk.
func Redis(t testing.TB) *Server {
	t.Helper()
	return sharedRedis.get(t, func(t testing.TB) *Server { return StartRedis(t, RedisOptions{}) })
}

// RedisOptions are the differences from the shared server.
type RedisOptions struct {
	// Password is the password of the user default. "" means no password.
	Password string

	// TLS makes Addr accept only TLS. The server checks a client certificate if the client sends one.
	TLS *Certs

	// ACL contains lines of an aclfile, such as "user app on >secret ~app:* +@all". Without a line for the user default,
	// that user keeps all rights.
	ACL []string

	// Append makes every write survive Kill and Start: appendonly yes, appendfsync always.
	Append bool

	// Config contains additional lines of redis.conf.
	Config []string
}

// StartRedis starts a Redis server for t and stops it when t ends. Without o.Append it is empty after Kill or Stop and
// Start.
func StartRedis(t testing.TB, o RedisOptions) *Server {
	t.Helper()
	program := redisServer(t)
	return launch(t, "redis", redisPlan(program, o))
}

// redisServer returns the program that tests of Redis start: valkey-server instead, if SESSION_REDIS is valkey.
func redisServer(t testing.TB) string {
	t.Helper()
	switch name := cmp.Or(os.Getenv("SESSION_REDIS"), "redis"); name {
	case "redis", "valkey":
		return programs(t, name)[name+"-server"]
	default:
		t.Fatalf("SESSION_REDIS is %s; want redis or valkey", name)
		return ""
	}
}

func redisPlan(program string, o RedisOptions) plan {
	return func(s *Server) error {
		config, err := redisConfig(s, o)
		if err != nil {
			return err
		}
		file, err := writeFile(s.dir, "redis.conf", strings.Join(config, "\n")+"\n")
		if err != nil {
			return err
		}
		s.argv = append([]string{program}, file)
		s.answer = s.ping
		return nil
	}
}

// redisConfig returns the lines of redis.conf, and puts the files that they name into the folder of s.
func redisConfig(s *Server, o RedisOptions) ([]string, error) {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	lines := []string{
		"bind 127.0.0.1",
		"dir " + s.dir,
		`save ""`,
		"repl-diskless-sync yes",
		"repl-diskless-sync-delay 0",
	}
	s.login = redisLogin{password: o.Password}
	if o.TLS == nil {
		lines = append(lines, "port "+port)
	} else {
		s.login.tls = o.TLS.Client
		files, err := o.TLS.copyTo(s.dir)
		if err != nil {
			return nil, err
		}
		lines = append(
			lines, "port 0", "tls-port "+port, "tls-auth-clients optional",
			"tls-ca-cert-file "+files.CA, "tls-cert-file "+files.ServerCert, "tls-key-file "+files.ServerKey,
		)
	}
	if len(o.ACL) == 0 && o.Password != "" {
		lines = append(lines, "requirepass "+o.Password, "masterauth "+o.Password)
	}
	if len(o.ACL) > 0 {
		file, err := writeFile(s.dir, "users.acl", strings.Join(s.login.acl(o), "\n")+"\n")
		if err != nil {
			return nil, err
		}
		lines = append(lines, "aclfile "+file)
	}
	if o.Append {
		lines = append(lines, "appendonly yes", "appendfsync always")
	}
	return append(lines, o.Config...), nil
}

// acl returns o's lines with one for the user default and one for this package, which becomes l.
func (l *redisLogin) acl(o RedisOptions) []string {
	lines := slices.Clone(o.ACL)
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "user default ") }) {
		secret := "nopass"
		if o.Password != "" {
			secret = ">" + o.Password
		}
		lines = append(lines, "user default on "+secret+" ~* &* +@all")
	}
	l.user, l.password = "servertest", rand.Text()
	return append(lines, "user servertest on >"+l.password+" ~* &* +@all")
}

// ping returns nil when the server has loaded its data and answers.
func (s *Server) ping() error {
	reply, err := s.redis("PING")
	if err == nil && reply != "PONG" {
		err = fmt.Errorf("PING: %v", reply)
	}
	return err
}
