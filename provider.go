package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed1a8f7c28/session/driver"
)

// A Provider is what the registry holds. It has the methods of a beego provider. [NewProvider] and [NewClientProvider] make
// the Providers of this module from a [driver.Backend] or a [driver.Sealer].
//
// Any other implementation, called a third-party provider, also works with a Manager. The Manager makes and checks the sids
// and sends the cookies; the provider does the rest. All Managers share the one registered instance, unless it has a method
// New() Provider.
type Provider interface {
	// SessionInit opens the provider. lifetime is how long an idle session lives, in seconds. config is in the provider's
	// own format.
	SessionInit(ctx context.Context, lifetime int64, config string) error
	// SessionRead returns the session of sid. If there is none, a session begins, so sid must not come from a client.
	SessionRead(ctx context.Context, sid string) (Store, error)
	// SessionExist reports whether sid has a live session.
	SessionExist(ctx context.Context, sid string) (bool, error)
	// SessionRegenerate gives the session of oldsid the new sid. If there is none, a session begins. If another session has
	// the new sid, the error wraps [ErrExists].
	SessionRegenerate(ctx context.Context, oldsid, sid string) (Store, error)
	// SessionDestroy removes the session of sid. It is not an error if there is none.
	SessionDestroy(ctx context.Context, sid string) error
	// SessionAll returns how many sessions are live, or 0 if the provider cannot tell.
	SessionAll(ctx context.Context) int
	// SessionGC removes expired sessions.
	SessionGC(ctx context.Context)
}

// ProviderType is the name of a provider.
type ProviderType = string

// The names of beego's providers. docs/beego.md says which of them exist here.
const (
	ProviderCookie        ProviderType = "cookie"
	ProviderFile          ProviderType = "file"
	ProviderMemory        ProviderType = "memory"
	ProviderCouchbase     ProviderType = "couchbase"
	ProviderLedis         ProviderType = "ledis"
	ProviderMemcache      ProviderType = "memcache"
	ProviderMysql         ProviderType = "mysql"
	ProviderPostgresql    ProviderType = "postgresql"
	ProviderRedis         ProviderType = "redis"
	ProviderRedisCluster  ProviderType = "redis_cluster"
	ProviderRedisSentinel ProviderType = "redis_sentinel"
	ProviderSsdb          ProviderType = "ssdb"
)

var (
	providersMu sync.RWMutex
	providers   = make(map[string]Provider)
)

// Register makes a provider available under name. The init function of the provider's package calls it. It panics if name
// is empty or already registered, or if p is nil.
func Register(name string, p Provider) {
	providersMu.Lock()
	defer providersMu.Unlock()
	switch _, taken := providers[name]; {
	case name == "":
		panic("session: Register with an empty name")
	case p == nil:
		panic("session: Register of a nil provider for " + name)
	case taken:
		panic("session: Register called twice for " + name)
	}
	providers[name] = p
}

// Providers returns the names of the registered providers in sorted order.
func Providers() []string {
	providersMu.RLock()
	defer providersMu.RUnlock()
	names := make([]string, 0, len(providers))
	for name := range providers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// GetProvider returns a new, unopened instance of the provider that is registered under name. Call its SessionInit first,
// or pass it to [New]; until then its methods return an error or, if they cannot, log to [SLogger]. If name is not
// registered, the error is a [*ConfigError].
//
// Unlike beego's function it does not return the provider of a manager with its sessions; [Manager.GetProvider] does. For a
// third-party provider without a method New() Provider it returns the registered instance itself.
func GetProvider(name string) (Provider, error) {
	providersMu.RLock()
	p := providers[name]
	providersMu.RUnlock()
	if p == nil {
		return nil, unknownProvider(name)
	}
	if n, ok := p.(interface{ New() Provider }); ok {
		return n.New(), nil
	}
	return p, nil
}

// packages says which import registers a name. "" means that no package does yet.
var packages = map[string]string{
	ProviderCookie: "cookie", ProviderFile: "file", ProviderMemory: "memory",
	ProviderCouchbase: "contrib/couchbase", ProviderLedis: "contrib/ledis", ProviderMemcache: "memcache", ProviderMysql: "mysql",
	ProviderPostgresql: "postgres", "postgres": "postgres", "pgx": "contrib/pgx", "sqlite": "contrib/sqlite",
	"badger": "contrib/badger", "leveldb": "contrib/leveldb", "pebble": "contrib/pebble", "bolt": "contrib/bolt",
	"nats":        "contrib/nats",
	ProviderRedis: "redis", ProviderRedisCluster: "redis", ProviderRedisSentinel: "redis", ProviderSsdb: "contrib/ssdb",
}

func unknownProvider(name string) error {
	hint := "a provider is registered by a blank import of its package"
	switch p, known := packages[name]; {
	case p != "":
		hint = fmt.Sprintf("add import _ %q", "github.com/seed1a8f7c28/session/"+p)
	case known:
		hint = "this version has no such provider yet"
	}
	return configErrorf("provider", "unknown provider %q (registered: %s); %s", name, registered(), hint)
}

// registered lists the providers for an error.
func registered() string {
	return cmp.Or(strings.Join(Providers(), ", "), "none")
}

// NewProvider makes a Provider from a function that opens a [driver.Backend]. Each [NewManager] opens a backend of its own.
// Managers that [New] makes with the same Provider share one if they have the same Namespace, ProviderConfig and Beego; it
// is closed with the last of them. The seven methods of the result are for use without a Manager, after SessionInit.
//
// The Managers give every guarantee of this package if the backend is also a [driver.Marker]. Without it, a request that
// arrives late with the sid from before a login gets a new cookie, which replaces the login's. New then logs a warning,
// unless MarkLifetime is negative. What other optional interfaces are for, and what happens without them, is in the
// documentation of package driver.
func NewProvider(open func(ctx context.Context, c driver.Config) (driver.Backend, error)) Provider {
	return &provider{open: open, warned: new(sync.Once)}
}

// NewClientProvider makes a Provider from a function that opens a [driver.Sealer]. Its sessions are stored in the clients,
// so all methods of the result that need a sid return an error wrapping [errors.ErrUnsupported].
func NewClientProvider(open func(ctx context.Context, c driver.Config) (driver.Sealer, error)) Provider {
	return &provider{seal: open, warned: new(sync.Once)}
}

// provider opens backends or sealers and shares them between managers. If m is set, it is the facade of that manager.
type provider struct {
	open func(ctx context.Context, c driver.Config) (driver.Backend, error)
	seal func(ctx context.Context, c driver.Config) (driver.Sealer, error)

	origin *provider  // what the manager was made with, if this is its facade
	warned *sync.Once // that it is not open; shared with what New returns

	mu     sync.Mutex
	shared map[driver.Config]*opened
	m      *Manager // what the facade works with; nil before SessionInit
}

// facadeOf returns the facade of a manager that is made with p.
func (p *provider) facadeOf(m *Manager) *provider {
	return &provider{open: p.open, seal: p.seal, origin: p, warned: p.warned, m: m}
}

// New returns a provider of the same kind that shares no session with p.
func (p *provider) New() Provider { return &provider{open: p.open, seal: p.seal, warned: p.warned} }
