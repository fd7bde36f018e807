package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed1a8f7c28/session/driver"
)

// A Provider is what the registry holds, with the methods of a beego provider. Providers of this module
// are made by [NewProvider] or [NewClientProvider] around a [driver.Backend] or [driver.Sealer], and have every
// guarantee of this package. Any other implementation works through a Manager too: the Manager makes and
// checks the sids and sends the cookies, the rest is the provider's. Such a provider is one shared
// instance, unless it has a method New() Provider.
type Provider interface {
	// SessionInit opens the provider. lifetime is how long an idle session lives, in seconds.
	SessionInit(ctx context.Context, lifetime int64, config string) error
	// SessionRead returns the session, which begins if there is none: sid must not come from a client.
	SessionRead(ctx context.Context, sid string) (Store, error)
	// SessionExist reports whether there is a live session.
	SessionExist(ctx context.Context, sid string) (bool, error)
	// SessionRegenerate gives the session of oldsid the new sid. If there is none, one begins. A new sid that a session
	// has is an error wrapping [ErrExists].
	SessionRegenerate(ctx context.Context, oldsid, sid string) (Store, error)
	// SessionDestroy removes the session. Removing nothing is not an error.
	SessionDestroy(ctx context.Context, sid string) error
	// SessionAll returns how many sessions are live, or 0 if that cannot be told.
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

// Register makes a provider available under a name. It is called from the init function of the
// provider's package. It panics if name is empty or taken, or p is nil.
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

// Providers returns the sorted names of the registered providers.
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

// GetProvider returns a provider of the registered kind, fresh and not opened yet: its SessionInit comes
// first, or [New] is given it. Until then its methods return an error, or log to [SLogger] where they have none.
// It knows no manager's sessions, as beego's does: [Manager.GetProvider] does. Only a third-party
// provider without a method New() Provider is the one instance that was registered.
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

// packages says which import registers a name: "" if none does yet.
var packages = map[string]string{
	ProviderCookie: "cookie", ProviderFile: "file", ProviderMemory: "memory",
	ProviderCouchbase: "", ProviderLedis: "", ProviderMemcache: "memcache", ProviderMysql: "mysql",
	ProviderPostgresql: "postgres", "postgres": "postgres", "sqlite": "contrib/sqlite",
	ProviderRedis: "redis", ProviderRedisCluster: "redis", ProviderRedisSentinel: "redis", ProviderSsdb: "",
}

func unknownProvider(name string) error {
	hint := "a provider is registered by a blank import of its package"
	switch p, known := packages[name]; {
	case p != "":
		hint = fmt.Sprintf("add import _ %q", "github.com/seed1a8f7c28/session/"+p)
	case known:
		hint = "this version has no such provider yet"
	}
	known := "none"
	if names := Providers(); len(names) > 0 {
		known = strings.Join(names, ", ")
	}
	return configErrorf("provider", "unknown provider %q (registered: %s); %s", name, known, hint)
}

// NewProvider makes a Provider of a way to open a [driver.Backend]. Each [NewManager] opens a backend of its own.
// Managers that [New] makes of one Provider, with the same namespace and providerConfig, share one, which
// is closed with the last of them. The seven methods of the result are a facade for use without a Manager.
func NewProvider(open func(ctx context.Context, c driver.Config) (driver.Backend, error)) Provider {
	return &provider{open: open, warned: new(sync.Once)}
}

// NewClientProvider makes a Provider of a way to open a [driver.Sealer]. The sessions are in the clients, so that
// all methods of the result that need a sid return an error wrapping [errors.ErrUnsupported].
func NewClientProvider(open func(ctx context.Context, c driver.Config) (driver.Sealer, error)) Provider {
	return &provider{seal: open, warned: new(sync.Once)}
}

// provider opens backends or sealers and shares them between managers; with a manager it is the facade.
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
