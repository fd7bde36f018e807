package pgx_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/sqltest"
)

// TestPooler has a PgBouncer in the way, in transaction mode.
func TestPooler(t *testing.T) {
	const mode = "&default_query_exec_mode="
	engine.Poolers(t, []sqltest.Way{
		{Name: "prepared", Prepare: true, Says: "sql.Prepare(false)"},
		{Name: "prepared in the mode exec", Params: mode + "exec", Prepare: true, Says: "sql.Prepare(false)"},
		{Name: "cached statements", Says: "default_query_exec_mode=exec"},
		{Name: "exec", Params: mode + "exec"},
		{Name: "simple protocol", Params: mode + "simple_protocol"},
	})
}

func TestPoolerContract(t *testing.T) {
	for _, mode := range []string{"exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) { engine.PoolerContract(t, "&default_query_exec_mode="+mode) })
	}
}
