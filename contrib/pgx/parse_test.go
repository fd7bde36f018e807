package pgx

import (
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// TestParse has a DSN win over the settings beside it.
func TestParse(t *testing.T) {
	const dsn = "postgres://u@h/db?sslmode=disable"
	s := sessionsql.Settings{DSN: dsn, MaxOpenConns: 7, ConnMaxLifetime: time.Hour, ConnMaxIdleTime: time.Minute, Prepare: true}
	cfg, err := parse(s)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxConns != 7 || cfg.MaxConnLifetime != time.Hour || cfg.MaxConnIdleTime != time.Minute ||
		cfg.ConnConfig.ConnectTimeout != openTime || cfg.ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		t.Errorf("of the settings: %+v", cfg)
	}
	s.DSN, s.Prepare = dsn+"&pool_max_conns=3&pool_max_conn_lifetime=5m&pool_max_conn_idle_time=6m&connect_timeout=2", false
	if cfg, err = parse(s); err != nil {
		t.Fatal(err)
	}
	if cfg.MaxConns != 3 || cfg.MaxConnLifetime != 5*time.Minute || cfg.MaxConnIdleTime != 6*time.Minute ||
		cfg.ConnConfig.ConnectTimeout != 2*time.Second || cfg.ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeExec {
		t.Errorf("of the DSN: %+v", cfg)
	}
	s.DSN, s.ConnMaxIdleTime, s.ConnMaxLifetime = dsn+"&default_query_exec_mode=simple_protocol", 0, 0
	if cfg, err = parse(s); err != nil {
		t.Fatal(err)
	}
	if cfg.MaxConnIdleTime != math.MaxInt64 || cfg.MaxConnLifetime != 0 || cfg.ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeSimpleProtocol {
		t.Errorf("for ever, and a mode of its own: %+v", cfg)
	}
}
