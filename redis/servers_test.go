package redis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// clusterConfig returns the config for the shared cluster, which it empties.
func clusterConfig(t testing.TB) string {
	t.Helper()
	c := servertest.RedisCluster(t)
	for _, s := range c.Masters {
		must(t, bare(t, s.Addr).FlushAll(context.Background()).Err())
	}
	return strings.Join(c.Addrs, ";")
}

func sentinelConfig(t testing.TB) string {
	t.Helper()
	s := servertest.RedisSentinel(t)
	must(t, bare(t, s.Master(t).Addr).FlushAll(context.Background()).Err())
	return strings.Join(s.Addrs, ";") + ",10,,0," + s.MasterName
}

func TestContractCluster(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, harness(redis.OpenCluster, clusterConfig))
}

func TestContractSentinel(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, harness(redis.OpenSentinel, sentinelConfig))
}

// TestClusterNodes has sessions on all masters: each is listed once, and Clear removes them all and no others.
func TestClusterNodes(t *testing.T) {
	config := clusterConfig(t)
	open := func(namespace string) store {
		return opened(t, redis.OpenCluster, driver.Config{Config: config, Namespace: namespace}).(store)
	}
	b, other, ctx := open("app"), open("ap"), t.Context()
	const n = 1200 // more than a page
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := i; j < n; j += 8 {
				if err := b.Create(ctx, key(j), newRecord(fmt.Sprint("user ", j%7))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, other.Create(ctx, key(0), newRecord("user 1")))
	if got, err := b.Count(ctx); err != nil || got != n {
		t.Errorf("Count = %d, %v; want %d", got, err, n)
	}
	listed := make(map[string]bool)
	for e, err := range b.List(ctx) {
		must(t, err)
		if listed[e.Key] {
			t.Error("listed twice")
		}
		listed[e.Key] = true
	}
	if len(listed) != n {
		t.Errorf("listed %d of %d", len(listed), n)
	}
	if got := len(ofUser(t, b, "user 3")); got != (n+3)/7 {
		t.Errorf("a user has %d sessions, want %d", got, (n+3)/7)
	}
	must(t, b.Clear(ctx))
	left := int64(0)
	for _, s := range servertest.RedisCluster(t).Masters {
		left += bare(t, s.Addr).DBSize(ctx).Val()
	}
	if left != 2 {
		t.Errorf("after Clear %d keys are left, want the other namespace's session and index", left)
	}
	if got, err := other.Count(ctx); err != nil || got != 1 {
		t.Errorf("Count of the other = %d, %v", got, err)
	}
}

// TestClusterClient is about an application's own client with the usual settings.
func TestClusterClient(t *testing.T) {
	clusterConfig(t)
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: servertest.RedisCluster(t).Addrs})
	defer c.Close()
	m, err := session.New(redis.New(c, redis.WaitReplicas(1, time.Second)), session.NewManagerConfig())
	must(t, err)
	defer m.Close()
	p := m.GetProvider()
	for i := range 20 {
		sid := fmt.Sprintf("%032x", i)
		s, err := p.SessionRead(t.Context(), sid)
		must(t, err)
		must(t, s.Set(t.Context(), "n", i))
		s.SessionRelease(t.Context(), nil)
		must(t, p.SessionDestroy(t.Context(), sid))
		if there, err := p.SessionExist(t.Context(), sid); there || err != nil {
			t.Errorf("after its destruction: %v, %v", there, err)
		}
	}
}

// TestWaitReplicas has deletions wait for replicas, of which there are too few.
func TestWaitReplicas(t *testing.T) {
	master := servertest.StartRedis(t, servertest.RedisOptions{})
	replica := servertest.StartRedis(t, servertest.RedisOptions{
		Config: []string{"replicaof " + strings.Replace(master.Addr, ":", " ", 1)},
	})
	ctx := t.Context()
	c := bare(t, replica.Addr)
	for !strings.Contains(c.Info(ctx, "replication").Val(), "master_link_status:up") {
		time.Sleep(10 * time.Millisecond)
	}
	open := func(n int, wait float64) store {
		return node(t, fmt.Sprintf(`{"addr": %q, "waitReplicas": %d, "waitTimeout": %g}`, master.Addr, n, wait), "app")
	}
	one, two, impatient := open(1, 2.5), open(2, 2.5), open(1, 0.2)
	for i, at := range []uint64{0, 1} {
		must(t, one.Create(ctx, key(i), newRecord("ann")))
		must(t, one.Delete(ctx, key(i), at))
		if n := c.Exists(ctx, "app:{"+key(i)+"}").Val(); n != 0 {
			t.Error("the replica still has the session")
		}
	}
	must(t, two.Create(ctx, key(1), newRecord("")))
	if err := two.Delete(ctx, key(1), 0); err == nil || !strings.Contains(err.Error(), "1 of 2 replicas") {
		t.Errorf("Delete = %v, want an error that says how many replicas know", err)
	}
	replica.Pause(t)
	must(t, one.Create(ctx, key(2), newRecord("")))
	if err := impatient.Delete(ctx, key(2), 0); err == nil || !strings.Contains(err.Error(), "0 of 1 replicas") {
		t.Errorf("Delete = %v, want an error that says how many replicas know", err)
	}
	replica.Resume(t)
}
