package library

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/bench/workload"
)

const lifetime = time.Hour

// A floorKV is a store of bytes by key.
type floorKV struct {
	get func(ctx context.Context, key string) ([]byte, error)
	put func(ctx context.Context, key string, data []byte) error
	new func(ctx context.Context, key string, data []byte) error // nil: the same as put
}

func (f floorKV) load(ctx context.Context, token string) ([]byte, error) {
	if token == "" {
		return nil, workload.ErrNoSession
	}
	data, err := f.get(ctx, token)
	if err != nil {
		return nil, err
	}
	return alive(data)
}

func (f floorKV) create(ctx context.Context, data []byte) (string, error) {
	token, store := newFloorToken(), f.new
	if store == nil {
		store = f.put
	}
	return token, store(ctx, token, data)
}

func (f floorKV) save(ctx context.Context, token string, data []byte) (string, error) {
	return "", f.put(ctx, token, data)
}

func openFloorRedis(t Target) (*workload.App, error) {
	client := redis.NewClient(&redis.Options{Addr: t.Addr})
	return onFloor(floorKV{
		get: func(ctx context.Context, key string) ([]byte, error) { return client.Get(ctx, key).Bytes() },
		put: func(ctx context.Context, key string, data []byte) error {
			return client.Set(ctx, key, data, lifetime).Err()
		},
	}).Closing(client.Close), nil
}

func openFloorMemcache(t Target) (*workload.App, error) {
	client := memcache.New(t.Addr)
	client.MaxIdleConns = Pool
	return onFloor(floorKV{
		get: func(_ context.Context, key string) ([]byte, error) {
			item, err := client.Get(key)
			if err != nil {
				return nil, err
			}
			return item.Value, nil
		},
		put: func(_ context.Context, key string, data []byte) error {
			return client.Set(&memcache.Item{Key: key, Value: data, Expiration: int32(lifetime.Seconds())})
		},
	}).Closing(client.Close), nil
}

func openFloorPostgres(t Target) (*workload.App, error) {
	ctx := context.Background()
	pool, err := newPgxPool(t)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, "CREATE TABLE floor (k text PRIMARY KEY, d bytea NOT NULL)"); err != nil {
		pool.Close()
		return nil, err
	}
	return onFloor(floorPostgres(pool)).Closing(func() error {
		pool.Close()
		return nil
	}), nil
}

func floorPostgres(pool *pgxpool.Pool) floorKV {
	return floorKV{
		get: func(ctx context.Context, key string) (data []byte, err error) {
			err = pool.QueryRow(ctx, "SELECT d FROM floor WHERE k = $1", key).Scan(&data)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil, workload.ErrNoSession
			}
			return data, err
		},
		put: func(ctx context.Context, key string, data []byte) error {
			_, err := pool.Exec(ctx, "UPDATE floor SET d = $2 WHERE k = $1", key, data)
			return err
		},
		new: func(ctx context.Context, key string, data []byte) error {
			_, err := pool.Exec(ctx, "INSERT INTO floor (k, d) VALUES ($1, $2)", key, data)
			return err
		},
	}
}

func openFloorMySQL(t Target) (*workload.App, error) {
	db, err := openSQL("mysql", t.DSN, "CREATE TABLE floor (k varchar(64) PRIMARY KEY, d blob NOT NULL)")
	if err != nil {
		return nil, err
	}
	return onFloorSQL(db)
}

func openFloorSQLite(t Target) (*workload.App, error) {
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.Dir, "floor.db")) +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)"
	db, err := openSQL("sqlite", dsn, "CREATE TABLE floor (k text PRIMARY KEY, d blob NOT NULL) WITHOUT ROWID")
	if err != nil {
		return nil, err
	}
	return onFloorSQL(db)
}

// onFloorSQL prepares its statements in advance.
func onFloorSQL(db *sql.DB) (*workload.App, error) {
	var statements [3]*sql.Stmt
	for i, text := range []string{
		"SELECT d FROM floor WHERE k = ?", "UPDATE floor SET d = ? WHERE k = ?", "INSERT INTO floor (d, k) VALUES (?, ?)",
	} {
		var err error
		if statements[i], err = db.Prepare(text); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	write := func(s *sql.Stmt) func(context.Context, string, []byte) error {
		return func(ctx context.Context, key string, data []byte) error {
			_, err := s.ExecContext(ctx, data, key)
			return err
		}
	}
	return onFloor(floorKV{
		get: func(ctx context.Context, key string) (data []byte, err error) {
			err = statements[0].QueryRowContext(ctx, key).Scan(&data)
			if errors.Is(err, sql.ErrNoRows) {
				return nil, workload.ErrNoSession
			}
			return data, err
		},
		put: write(statements[1]),
		new: write(statements[2]),
	}).Closing(db.Close), nil
}
