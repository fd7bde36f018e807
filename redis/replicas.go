package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicas is how many of them must have a deletion before it is done.
type replicas struct {
	count   int
	timeout time.Duration
}

// sendWaiting sends a deletion, and waits for the replicas if that was asked for. WAIT is about the connection
// that it is sent on, so that both must go in one pipeline to one server, and the script in full: a second try
// would be on another connection.
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
		return fmt.Errorf("session/redis: delete: removed, but only %d of %d replicas know within %v", have, s.count, s.timeout)
	}
	return nil
}
