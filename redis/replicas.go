package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicas is the number of replicas that must confirm a deletion before it is done.
type replicas struct {
	count   int
	timeout time.Duration
}

// sendWaiting sends a deletion and, if configured, waits for the replicas. WAIT refers to the connection on which it is
// sent, so the deletion and WAIT go to one server in one pipeline. The script is sent in full, because a second try would
// use another connection.
func (s *client) sendWaiting(ctx context.Context, name string, c *call) error {
	if s.count == 0 {
		return s.send(ctx, "delete", c)
	}
	node := s
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, name)
		if err != nil {
			return fail(ctx, "delete", err)
		}
		node = &client{rdb: master}
	}
	c.inFull()
	wait := plainCall("wait", s.count, s.timeout.Milliseconds())
	if err := node.send(ctx, "delete", c, wait); err != nil {
		return err
	}
	if have, _ := wait.cmd.Val().(int64); have < int64(s.count) {
		return fmt.Errorf("session/redis: delete: the session was removed, but only %d of %d replicas confirmed it within %v", have, s.count, s.timeout)
	}
	return nil
}
