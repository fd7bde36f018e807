package servertest

import (
	"fmt"
	"strings"
	"testing"
)

// busOffset is from a server's port to the one on which the nodes of a cluster talk.
const busOffset = 10000

// A Cluster is a Redis Cluster of three masters with a replica each. About four seconds after a master is killed, its
// replica becomes master.
type Cluster struct {
	Addrs    []string  // of all six servers
	Masters  []*Server // at the beginning, in the order of their slots: 0-5460, 5461-10922, 10923-16383
	Replicas []*Server // in the order of their masters
}

var sharedCluster shared[*Cluster]

// RedisCluster returns the cluster that all tests of the binary share.
func RedisCluster(t testing.TB) *Cluster {
	t.Helper()
	return sharedCluster.get(t, StartCluster)
}

// StartCluster starts a cluster for t and stops it when t ends. It returns when all nodes report that the cluster is up,
// and the replicas follow their masters.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	program := redisServer(t)
	return together(t, func() (*Cluster, error) { return startCluster(t, program) })
}

func startCluster(t testing.TB, program string) (*Cluster, error) {
	t.Helper()
	ports, err := pickPorts(t, 6, busOffset)
	if err != nil {
		return nil, err
	}
	var servers []*Server
	c := new(Cluster)
	for i, p := range ports {
		server, err := launchOn(t, "cluster", p, clusterPlan(program, ports, i))
		if err != nil {
			return nil, err
		}
		servers = append(servers, server)
		c.Addrs = append(c.Addrs, server.Addr)
	}
	c.Masters, c.Replicas = servers[:3], servers[3:]
	return c, poll(c.check)
}

func clusterPlan(program string, ports []*port, number int) plan {
	redis := redisPlan(program, RedisOptions{Config: []string{
		"cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 2000",
	}})
	return func(s *Server) error {
		if _, err := writeFile(s.dir, "nodes.conf", nodesConf(ports, number)); err != nil {
			return err
		}
		return redis(s)
	}
}

// nodesConf is what a node knows of a cluster in which all have met: itself, the others and their slots.
func nodesConf(ports []*port, self int) string {
	id := func(node int) string { return fmt.Sprintf("%040x", node+1) }
	slots := []string{"0-5460", "5461-10922", "10923-16383"}
	var b strings.Builder
	for i, p := range ports {
		flags, master, epoch, served := "master", "-", i+1, ""
		if i < len(slots) {
			served = " " + slots[i]
		} else {
			flags, master, epoch = "slave", id(i-len(slots)), i+1-len(slots)
		}
		if i == self {
			flags = "myself," + flags
		}
		fmt.Fprintf(
			&b, "%s 127.0.0.1:%d@%d %s %s 0 0 %d connected%s\n",
			id(i), p.number, p.number+busOffset, flags, master, epoch, served,
		)
	}
	b.WriteString("vars currentEpoch 6 lastVoteEpoch 0\n")
	return b.String()
}

// check returns nil when all nodes are in step. A node's own view is up first, and not yet that of the others.
func (c *Cluster) check() error {
	for _, server := range append(c.Masters[:3:3], c.Replicas...) {
		reply, err := server.redis("CLUSTER", "INFO")
		if err != nil {
			return err
		}
		for _, want := range []string{"cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:6"} {
			if text, _ := reply.(string); !strings.Contains(text, want) {
				return fmt.Errorf("CLUSTER INFO of %s: no %s in %q", server.Addr, want, text)
			}
		}
	}
	for _, replica := range c.Replicas {
		if err := infoHas(replica, "replication", "master_link_status:up"); err != nil {
			return err
		}
	}
	return nil
}
