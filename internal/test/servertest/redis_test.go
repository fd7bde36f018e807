package servertest

import (
	"strings"
	"testing"
	"time"
)

func do(t testing.TB, s *Server, args ...string) any {
	t.Helper()
	reply, err := s.redis(args...)
	if err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return reply
}

func TestRedisIsShared(t *testing.T) {
	a, b := Redis(t), Redis(t)
	do(t, a, "SET", t.Name(), "value")
	if got := do(t, b, "GET", t.Name()); got != "value" {
		t.Errorf("got %v", got)
	}
}

func TestRedisKeepsAppendedDataThroughACrash(t *testing.T) {
	s := StartRedis(t, RedisOptions{Append: true, Config: []string{"maxmemory 50mb"}})
	do(t, s, "SET", "key", "value")
	for name, end := range map[string]func(testing.TB){"kill": s.Kill, "stop": s.Stop} {
		end(t)
		if _, err := s.redis("PING"); err == nil {
			t.Errorf("after %s it answers", name)
		}
		addr := s.Addr
		s.Start(t)
		if got := do(t, s, "GET", "key"); got != "value" || s.Addr != addr {
			t.Errorf("after %s and start: got %v on %s", name, got, s.Addr)
		}
	}
	if got := do(t, s, "CONFIG", "GET", "maxmemory").([]any)[1]; got != "52428800" {
		t.Errorf("maxmemory %v", got)
	}
}

func TestRedisPassword(t *testing.T) {
	s := StartRedis(t, RedisOptions{Password: "secret"})
	do(t, s, "PING")
	s.login.password = ""
	if _, err := s.redis("PING"); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("without password: %v", err)
	}
}

func TestRedisTLS(t *testing.T) {
	certs := NewCerts(t)
	s := StartRedis(t, RedisOptions{TLS: certs, Config: []string{"tls-auth-clients yes"}})
	do(t, s, "PING")

	anonymous := certs.Client.Clone()
	anonymous.Certificates = nil
	s.login.tls = anonymous
	if _, err := s.redis("PING"); err == nil {
		t.Error("without client certificate it answers")
	}
	s.login.tls = NewCerts(t).Client
	if _, err := s.redis("PING"); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("with another authority: %v", err)
	}
	s.login.tls = nil
	if _, err := s.redis("PING"); err == nil {
		t.Error("without TLS it answers")
	}
}

func TestRedisACL(t *testing.T) {
	s := StartRedis(t, RedisOptions{Password: "other", ACL: []string{"user app on >secret ~app:* +set"}})
	s.login = redisLogin{user: "app", password: "secret"}
	do(t, s, "SET", "app:key", "value")
	if _, err := s.redis("SET", "key", "value"); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Errorf("another key: %v", err)
	}
	s.login = redisLogin{password: "other"}
	do(t, s, "GET", "app:key")
}

func TestPauseHangsARequestAndResumeCompletesIt(t *testing.T) {
	s := StartRedis(t, RedisOptions{})
	c, err := dialRedis(s.Addr, redisLogin{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Pause(t)
	if err := c.send("PING"); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if reply, err := c.reply(); err == nil {
		t.Fatalf("paused, it answers %v", reply)
	}
	s.Resume(t)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if reply, err := c.reply(); reply != "PONG" {
		t.Errorf("resumed: %v, %v", reply, err)
	}
	s.Pause(t)
	s.Stop(t) // also when paused
}
