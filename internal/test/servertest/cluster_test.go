package servertest

import (
	"strings"
	"testing"
)

func TestClusterIsUp(t *testing.T) {
	t.Parallel()
	c := RedisCluster(t)
	if err := c.check(); err != nil {
		t.Error(err)
	}
	key := "{" + t.Name() + "}"
	served := 0
	for _, master := range c.Masters {
		switch _, err := master.redis("SET", key, "value"); {
		case err == nil:
			served++
		case !strings.HasPrefix(err.Error(), "MOVED "):
			t.Error(err)
		}
	}
	if served != 1 {
		t.Errorf("%d masters serve a key", served)
	}
}

func TestClusterReplicaTakesOver(t *testing.T) {
	t.Parallel()
	c := StartCluster(t)
	c.Masters[0].Kill(t)
	eventually(t, "the replica is master", func() bool {
		return infoHas(c.Replicas[0], "replication", "role:master") == nil
	})
	eventually(t, "the others have noticed", func() bool {
		reply, err := c.Masters[1].redis("CLUSTER", "INFO")
		return err == nil && strings.Contains(reply.(string), "cluster_state:ok")
	})
	c.Masters[0].Start(t)
	eventually(t, "all follow", func() bool {
		return infoHas(c.Masters[0], "replication", "role:slave", "master_link_status:up") == nil
	})
}
