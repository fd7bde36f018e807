package session

import (
	"log/slog"
	"math"
	"net/http"
	"slices"
	"time"
)

// A ManagerConfigOpt sets one field of a [ManagerConfig]. Which values are good is checked when the
// [Manager] is made, not here.
type ManagerConfigOpt func(config *ManagerConfig)

// NewManagerConfig returns a config with EnableSetCookie on, to which opts are applied in order. What
// they leave alone has the default that the fields of [ManagerConfig] document.
func NewManagerConfig(opts ...ManagerConfigOpt) *ManagerConfig {
	config := &ManagerConfig{EnableSetCookie: true}
	config.Opts(opts...)
	return config
}

// Opts applies opts in order; of two that set the same field the last counts. Nil is skipped. A Manager
// that was already made of c does not notice.
func (c *ManagerConfig) Opts(opts ...ManagerConfigOpt) {
	for _, opt := range opts {
		if opt != nil {
			opt(c)
		}
	}
}

// CfgCookieName sets CookieName, the name of the cookie and of the query parameter.
func CfgCookieName(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieName = name }
}

// CfgSessionIdLength sets SessionIDLength, in random bytes from 16 to 64.
func CfgSessionIdLength(length int64) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionIDLength = length }
}

// CfgSessionIdPrefix sets SessionIDPrefix, with which each sid begins.
func CfgSessionIdPrefix(prefix string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionIDPrefix = prefix }
}

// CfgSetCookie sets EnableSetCookie. [NewManagerConfig] has it on.
func CfgSetCookie(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EnableSetCookie = enable }
}

// CfgGcLifeTime sets Gclifetime, the seconds between two sweeps, and the idle lifetime where CfgMaxLifeTime sets none: for
// the sweep alone there is [CfgSweepInterval].
func CfgGcLifeTime(seconds int64) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Gclifetime = seconds }
}

// CfgMaxLifeTime sets Maxlifetime, the seconds that an idle session lives.
func CfgMaxLifeTime(seconds int64) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Maxlifetime = seconds }
}

// CfgIdleLifetime is CfgMaxLifeTime with a time instead of seconds: how long an idle session lives, in whole seconds, rounded up.
func CfgIdleLifetime(d time.Duration) ManagerConfigOpt { return CfgMaxLifeTime(wholeSeconds(d)) }

// CfgCookieMaxAge is CfgCookieLifeTime with a time instead of seconds: how long the browser keeps the cookie, in whole seconds, rounded
// up; zero for until it closes.
func CfgCookieMaxAge(d time.Duration) ManagerConfigOpt {
	return CfgCookieLifeTime(int(min(wholeSeconds(d), math.MaxInt32)))
}

// wholeSeconds rounds up. What is negative stays so, and is refused when the Manager is made.
func wholeSeconds(d time.Duration) int64 {
	if d < 0 {
		return int64(d/time.Second) - 2 // -1 has a meaning as a CookieLifeTime
	}
	return int64((d + time.Second - 1) / time.Second)
}

// CfgCookieLifeTime sets CookieLifeTime, the seconds that the browser keeps the cookie.
func CfgCookieLifeTime(seconds int) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieLifeTime = seconds }
}

// CfgProviderConfig sets ProviderConfig as it is: only [ParseConfig] replaces ${ENV} in it.
func CfgProviderConfig(providerConfig string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.ProviderConfig = providerConfig }
}

// CfgDomain sets Domain, whose hosts all see the cookie.
func CfgDomain(domain string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Domain = domain }
}

// CfgSessionIdInHTTPHeader sets EnableSidInHTTPHeader, which needs [CfgSetSessionNameInHTTPHeader] too.
func CfgSessionIdInHTTPHeader(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EnableSidInHTTPHeader = enable }
}

// CfgSetSessionNameInHTTPHeader sets SessionNameInHTTPHeader; it does not turn the header on.
func CfgSetSessionNameInHTTPHeader(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionNameInHTTPHeader = name }
}

// CfgSessionHeader has the sid travel in the request and response header of this name too, "" for none: it sets
// EnableSidInHTTPHeader and SessionNameInHTTPHeader.
func CfgSessionHeader(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) {
		config.EnableSidInHTTPHeader, config.SessionNameInHTTPHeader = name != "", name
	}
}

// CfgEnableSidInURLQuery sets EnableSidInURLQuery. URLs are logged and shared, and the sid with them.
func CfgEnableSidInURLQuery(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EnableSidInURLQuery = enable }
}

// CfgHTTPOnly hides the cookie from scripts, which is the default: it sets DisableHTTPOnly to the
// opposite.
func CfgHTTPOnly(httpOnly bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.DisableHTTPOnly = !httpOnly }
}

// CfgSecure sets Secure: true marks the cookie always, false on TLS requests.
func CfgSecure(secure bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Secure = secure }
}

// CfgSameSite sets CookieSameSite.
func CfgSameSite(sameSite http.SameSite) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieSameSite = sameSite }
}

// CfgProvider sets Provider, the name under which the provider registered itself.
func CfgProvider(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Provider = name }
}

// CfgCookiePath sets CookiePath, which begins with "/".
func CfgCookiePath(path string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookiePath = path }
}

// CfgCrossSiteCookies sets CrossSiteCookies.
func CfgCrossSiteCookies(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CrossSiteCookies = enable }
}

// CfgPartitioned sets Partitioned, for pages that other sites embed.
func CfgPartitioned(partitioned bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Partitioned = partitioned }
}

// CfgAbsoluteLifetime sets AbsoluteLifetime, after which a session is gone, used or not.
func CfgAbsoluteLifetime(lifetime time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.AbsoluteLifetime = lifetime }
}

// CfgTouchInterval sets TouchInterval. Negative means at every request.
func CfgTouchInterval(interval time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.TouchInterval = interval }
}

// CfgMarkLifetime sets MarkLifetime. Negative means that replaced sids are not remembered.
func CfgMarkLifetime(lifetime time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.MarkLifetime = lifetime }
}

// CfgSweepInterval sets SweepInterval, the time between two sweeps, and nothing else.
func CfgSweepInterval(interval time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SweepInterval = interval }
}

// CfgOpTimeout sets OpTimeout, the bound of each call that needs the store.
func CfgOpTimeout(timeout time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OpTimeout = timeout }
}

// CfgMaxBytes sets MaxBytes, the size of the largest session that is stored.
func CfgMaxBytes(bytes int) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.MaxBytes = bytes }
}

// CfgMaxPerUser sets MaxPerUser. Zero means no limit.
func CfgMaxPerUser(sessions int) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.MaxPerUser = sessions }
}

// CfgOnLimit sets OnLimit: "evict" or "refuse".
func CfgOnLimit(action string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnLimit = action }
}

// CfgLazy sets Lazy: no session and no cookie before something is stored.
func CfgLazy(lazy bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Lazy = lazy }
}

// CfgCodec sets Codec: "compact", "gob" or "json".
func CfgCodec(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Codec = name }
}

// CfgEncryptionKeys replaces EncryptionKeys: the first key seals, all open.
func CfgEncryptionKeys(keys ...string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EncryptionKeys = slices.Clone(keys) }
}

// CfgNamespace sets Namespace, which separates applications that share a store.
func CfgNamespace(namespace string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Namespace = namespace }
}

// CfgBeego sets Beego: sessions are stored as beego stores them.
func CfgBeego(beego bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Beego = beego }
}

// CfgDisableCacheHeaders sets DisableCacheHeaders, for applications that set these headers themselves.
func CfgDisableCacheHeaders(disable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.DisableCacheHeaders = disable }
}

// CfgTrustedProxies replaces TrustedProxies: addresses, CIDRs and "unix".
func CfgTrustedProxies(proxies ...string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.TrustedProxies = slices.Clone(proxies) }
}

// CfgSessionIDGenerator sets SessionIDGenerator. Nil means random bytes.
func CfgSessionIDGenerator(generate func(x Exchange) (string, error)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionIDGenerator = generate }
}

// CfgCookieAttributes sets CookieAttributes, which changes the attributes of one response's cookie.
func CfgCookieAttributes(change func(x Exchange, c *http.Cookie)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieAttributes = change }
}

// CfgCookieEncode sets CookieEncode, which needs [CfgCookieDecode] too.
func CfgCookieEncode(encode func(name string, sid any) (string, error)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieEncode = encode }
}

// CfgCookieDecode sets CookieDecode, which needs [CfgCookieEncode] too.
func CfgCookieDecode(decode func(name, value string, sid any) error) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieDecode = decode }
}

// CfgLogger sets Logger. Nil means SLogger.
func CfgLogger(logger *slog.Logger) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Logger = logger }
}

// CfgOnCreate sets OnCreate.
func CfgOnCreate(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnCreate = handler }
}

// CfgOnRegenerate sets OnRegenerate.
func CfgOnRegenerate(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnRegenerate = handler }
}

// CfgOnDestroy sets OnDestroy.
func CfgOnDestroy(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnDestroy = handler }
}

// CfgOnConflict sets OnConflict.
func CfgOnConflict(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnConflict = handler }
}

// CfgErrorHandler sets ErrorHandler, which may be called from many goroutines at once.
func CfgErrorHandler(handler func(w http.ResponseWriter, r *http.Request, err error)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.ErrorHandler = handler }
}
