package library

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	_ "github.com/lib/pq"
	"github.com/redis/go-redis/v9"
	"github.com/zerodha/simplesessions/stores/memory/v3"
	"github.com/zerodha/simplesessions/stores/postgres/v3"
	"github.com/zerodha/simplesessions/v3"

	"github.com/seed1a8f7c28/session/bench/workload"
)

var simple = Library{
	Name: "simplesessions", Module: "github.com/zerodha/simplesessions/v3",
	Keeps: "each Set is written at once, to a map that all requests share, a field of a hash in redis or of jsonb in postgres; types other than numbers and strings are the application's to encode; in memory nothing expires",
	On: map[string]func(Target) (*workload.App, error){
		"memory": func(Target) (*workload.App, error) { return onSimple(memory.New(), asStored()), nil },
		"redis": func(t Target) (*workload.App, error) {
			client := redis.NewClient(&redis.Options{Addr: t.Addr})
			return onSimple(&simpleRedis{Store: memory.New(), client: client}, asText()).Closing(client.Close), nil
		},
		"postgres": openSimplePostgres,
	},
}

// simpleTable is what the comment at the head of the store's source asks for.
const simpleTable = `
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp without time zone DEFAULT now() NOT NULL
);
CREATE INDEX idx_sessions ON sessions (id, created_at);`

func openSimplePostgres(t Target) (*workload.App, error) {
	db, err := openSQL("postgres", t.DSN, simpleTable)
	if err != nil {
		return nil, err
	}
	store, err := postgres.New(postgres.Opt{}, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return onSimple(store, asText()).Closing(db.Close), nil
}

// openSQL returns a pool after it has run a schema.
func openSQL(driver, dsn string, schema ...string) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(Pool)
	db.SetMaxIdleConns(Pool)
	for _, statement := range schema {
		if _, err := db.Exec(statement); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

// A coding is what an application makes of its values. The README leaves complex types to it.
type coding struct {
	encode func(key string, value any) any
	decode func(s *simplesessions.Session, key string, stored any) (any, error)
}

// asStored is for a store that keeps what it is given.
func asStored() coding {
	return coding{
		encode: func(_ string, value any) any { return value },
		decode: func(_ *simplesessions.Session, _ string, stored any) (any, error) { return stored, nil },
	}
}

// asText is for stores that keep numbers and strings.
func asText() coding { return coding{encode: textOf, decode: fromText} }

func textOf(_ string, value any) any {
	switch v := value.(type) {
	case []string:
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return string(text)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return value
}

func fromText(s *simplesessions.Session, key string, stored any) (any, error) {
	if stored == nil {
		return nil, nil
	}
	if key == "id" {
		if f, ok := stored.(float64); ok { // JSON's only number
			return int64(f), nil
		}
		return s.Int64(stored, nil)
	}
	text, err := s.String(stored, nil)
	if err != nil {
		return nil, err
	}
	switch key {
	case "roles":
		var roles []string
		err := json.Unmarshal([]byte(text), &roles)
		return roles, err
	case "token":
		return base64.StdEncoding.DecodeString(text)
	case "since":
		return time.Parse(time.RFC3339Nano, text)
	}
	return text, nil
}

func onSimple(store simplesessions.Store, values coding) *workload.App {
	manager := simplesessions.New(simplesessions.Options{})
	manager.UseStore(store)
	manager.SetCookieHooks(getCookie, setCookie)
	return workload.OnHTTP(workload.Calls[workload.HTTP, *simplesessions.Session]{
		Open: func(c workload.HTTP) (*simplesessions.Session, error) {
			//lint:ignore SA1012 as the README does: there is no session in a context
			s, err := manager.Acquire(nil, c.R, c.W)
			if errors.Is(err, simplesessions.ErrInvalidSession) {
				return manager.NewSession(c.R, c.W)
			}
			return s, err
		},
		Get: func(_ workload.HTTP, s *simplesessions.Session, key string) (any, error) {
			stored, err := s.Get(key)
			if err != nil {
				return nil, err
			}
			return values.decode(s, key, stored)
		},
		Set: func(_ workload.HTTP, s *simplesessions.Session, key string, value any) error {
			return s.Set(key, values.encode(key, value))
		},
		All:     values.all,
		SetAll:  values.setAll,
		Destroy: func(_ workload.HTTP, s *simplesessions.Session) error { return s.Destroy() },
	}, nil)
}

func (values coding) setAll(_ workload.HTTP, s *simplesessions.Session, v workload.Values) error {
	data := make(map[string]any, len(workload.Keys))
	for _, key := range workload.Keys {
		data[key] = values.encode(key, v.Value(key))
	}
	return s.SetMulti(data)
}

func (values coding) all(_ workload.HTTP, s *simplesessions.Session) (v workload.Values, err error) {
	all, err := s.GetAll()
	if err != nil {
		return v, err
	}
	for _, key := range workload.Keys {
		value, err := values.decode(s, key, all[key])
		if err != nil {
			return v, err
		}
		if err := v.Put(key, value); err != nil {
			return v, err
		}
	}
	return v, nil
}

func getCookie(name string, r any) (*http.Cookie, error) { return r.(*http.Request).Cookie(name) }

func setCookie(cookie *http.Cookie, w any) error {
	http.SetCookie(w.(http.ResponseWriter), cookie)
	return nil
}
