package servertest

import "testing"

func TestSentinelPromotesAnother(t *testing.T) {
	t.Parallel()
	s := StartSentinel(t, SentinelOptions{Password: "secret", SentinelPassword: "other"})
	before := s.Master(t)
	if before != s.Servers[0] || len(s.Addrs) != 3 {
		t.Errorf("the master is %s, the sentinels are %v", before.Addr, s.Addrs)
	}
	do(t, before, "SET", "key", "value")
	do(t, before, "WAIT", "2", "0")
	before.Kill(t)
	after := s.Master(t)
	if after == before {
		t.Error("the killed server is master")
	}
	if got := do(t, after, "GET", "key"); got != "value" {
		t.Errorf("got %v", got)
	}
	before.Start(t)
	eventually(t, "the old master follows the new one", func() bool {
		return infoHas(before, "replication", "role:slave", "master_link_status:up") == nil
	})
}

func TestSentinelIsShared(t *testing.T) {
	t.Parallel()
	s := RedisSentinel(t)
	if s != RedisSentinel(t) {
		t.Error("another one")
	}
	do(t, s.Master(t), "SET", t.Name(), "value")
}
