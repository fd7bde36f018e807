package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestHistory has clients do everything at once that a session can do.
func TestHistory(t *testing.T) {
	t.Parallel()
	addr := servertest.StartRedis(t, servertest.RedisOptions{}).Addr
	historytest.Run(t, historytest.Setup{Open: nodes(redis.Open, addr)})
}

// TestHistoryCluster is for the long form alone: on six servers it takes minutes.
func TestHistoryCluster(t *testing.T) {
	if !faulttest.Long() {
		return
	}
	historytest.Run(t, historytest.Setup{Open: nodes(redis.OpenCluster, clusterConfig(t)), CountsTwice: true})
}

// TestHistoryFault has a server fail meanwhile: in the short form by a crash.
func TestHistoryFault(t *testing.T) {
	for _, tt := range faults {
		if strings.HasPrefix(tt.name, "beego") || tt.name != "crash" && !faulttest.Long() {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, tt.server)
			historytest.Run(t, historytest.Setup{
				Open:        nodes(redis.Open, f.proxy.Addr),
				Fault:       func(r *faulttest.Round) { tt.fail(t, f, r) },
				HoldsPlaces: 30 * time.Second, // the grace of an index's entry
			})
		})
	}
}
