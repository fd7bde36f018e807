package session

import (
	"log/slog"
	"math"
	"net/http"
	"slices"
	"time"
)

// A ManagerConfigOpt changes a [ManagerConfig], usually one field. The values are checked when the [Manager] is made, not
// here.
type ManagerConfigOpt func(config *ManagerConfig)

// NewManagerConfig returns a config with EnableSetCookie on, after it has applied opts in order. Fields that no option sets
// have the defaults that [ManagerConfig] documents.
func NewManagerConfig(opts ...ManagerConfigOpt) *ManagerConfig {
	config := &ManagerConfig{EnableSetCookie: true}
	config.Opts(opts...)
	return config
}

// Opts applies opts in order. If two of them set the same field, the last one wins. A nil option is skipped. Managers that
// were already made with c do not change.
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

// CfgSessionIdLength sets SessionIDLength, the number of random bytes in a sid, from 16 to 64.
func CfgSessionIdLength(length int64) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionIDLength = length }
}

// CfgSessionIdPrefix sets SessionIDPrefix, the beginning of each sid.
func CfgSessionIdPrefix(prefix string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionIDPrefix = prefix }
}

// CfgSetCookie sets EnableSetCookie, which [NewManagerConfig] turns on.
func CfgSetCookie(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EnableSetCookie = enable }
}

// CfgGcLifeTime sets Gclifetime: the time between two sweeps in seconds, and the idle lifetime if CfgMaxLifeTime sets none.
// [CfgSweepInterval] sets the sweep alone.
func CfgGcLifeTime(seconds int64) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Gclifetime = seconds }
}

// CfgMaxLifeTime sets Maxlifetime, how many seconds an idle session lives.
func CfgMaxLifeTime(seconds int64) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Maxlifetime = seconds }
}

// CfgIdleLifetime is CfgMaxLifeTime for a [time.Duration]: it sets how long an idle session lives, rounded up to whole
// seconds.
func CfgIdleLifetime(d time.Duration) ManagerConfigOpt { return CfgMaxLifeTime(wholeSeconds(d)) }

// CfgCookieMaxAge is CfgCookieLifeTime for a [time.Duration]: it sets how long the browser keeps the cookie, rounded up to
// whole seconds. Zero means until the browser closes.
func CfgCookieMaxAge(d time.Duration) ManagerConfigOpt {
	return CfgCookieLifeTime(int(min(wholeSeconds(d), math.MaxInt32)))
}

// wholeSeconds rounds up. A negative time stays negative, so that it is refused when the Manager is made.
func wholeSeconds(d time.Duration) int64 {
	if d < 0 {
		return int64(d/time.Second) - 2 // -1 has a meaning as a CookieLifeTime
	}
	return int64((d + time.Second - 1) / time.Second)
}

// CfgCookieLifeTime sets CookieLifeTime, how many seconds the browser keeps the cookie.
func CfgCookieLifeTime(seconds int) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieLifeTime = seconds }
}

// CfgProviderConfig sets ProviderConfig and does not replace ${NAME} in it; only [ParseConfig] and [LoadConfig] do.
func CfgProviderConfig(providerConfig string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.ProviderConfig = providerConfig }
}

// CfgDomain sets Domain. The hosts below it all see the cookie.
func CfgDomain(domain string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Domain = domain }
}

// CfgSessionIdInHTTPHeader sets EnableSidInHTTPHeader. [CfgSetSessionNameInHTTPHeader] must then name the header.
func CfgSessionIdInHTTPHeader(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EnableSidInHTTPHeader = enable }
}

// CfgSetSessionNameInHTTPHeader sets SessionNameInHTTPHeader. It does not turn the header on.
func CfgSetSessionNameInHTTPHeader(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SessionNameInHTTPHeader = name }
}

// CfgSessionHeader lets the sid travel in the request and response header of this name too; "" turns that off. It sets
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

// CfgHTTPOnly sets DisableHTTPOnly to the opposite of httpOnly. With true, the default, scripts cannot read the cookie.
func CfgHTTPOnly(httpOnly bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.DisableHTTPOnly = !httpOnly }
}

// CfgSecure sets Secure. True gives the cookie the attribute always, false only on TLS requests.
func CfgSecure(secure bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Secure = secure }
}

// CfgSameSite sets CookieSameSite.
func CfgSameSite(sameSite http.SameSite) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieSameSite = sameSite }
}

// CfgProvider sets Provider, the name of a registered provider.
func CfgProvider(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Provider = name }
}

// CfgCookiePath sets CookiePath, which must begin with "/".
func CfgCookiePath(path string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookiePath = path }
}

// CfgCrossSiteCookies sets CrossSiteCookies, which lets requests of other sites begin a session.
func CfgCrossSiteCookies(enable bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CrossSiteCookies = enable }
}

// CfgPartitioned sets Partitioned, for pages that other sites embed.
func CfgPartitioned(partitioned bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Partitioned = partitioned }
}

// CfgAbsoluteLifetime sets AbsoluteLifetime, after which a session ends however often it is used.
func CfgAbsoluteLifetime(lifetime time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.AbsoluteLifetime = lifetime }
}

// CfgTouchInterval sets TouchInterval. A negative value means that every request writes the idle deadline.
func CfgTouchInterval(interval time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.TouchInterval = interval }
}

// CfgMarkLifetime sets MarkLifetime. A negative value means that replaced sids are not remembered.
func CfgMarkLifetime(lifetime time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.MarkLifetime = lifetime }
}

// CfgSweepInterval sets SweepInterval, the time between two sweeps, and nothing else.
func CfgSweepInterval(interval time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.SweepInterval = interval }
}

// CfgOpTimeout sets OpTimeout, the limit of each call that needs the store.
func CfgOpTimeout(timeout time.Duration) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OpTimeout = timeout }
}

// CfgMaxBytes sets MaxBytes, the size of the largest session that can be stored.
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

// CfgLazy sets Lazy: a visitor gets no session and no cookie until something is stored.
func CfgLazy(lazy bool) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Lazy = lazy }
}

// CfgCodec sets Codec: "compact", "gob" or "json".
func CfgCodec(name string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Codec = name }
}

// CfgEncryptionKeys replaces EncryptionKeys. The first key encrypts, and all keys decrypt.
func CfgEncryptionKeys(keys ...string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.EncryptionKeys = slices.Clone(keys) }
}

// CfgNamespace sets Namespace, which separates applications that share a store.
func CfgNamespace(namespace string) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Namespace = namespace }
}

// CfgBeego sets Beego: sessions are stored in beego's format.
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

// CfgCookieAttributes sets CookieAttributes, which changes the attributes of the cookie in one response.
func CfgCookieAttributes(change func(x Exchange, c *http.Cookie)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieAttributes = change }
}

// CfgCookieEncode sets CookieEncode. [CfgCookieDecode] must be set too.
func CfgCookieEncode(encode func(name string, sid any) (string, error)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieEncode = encode }
}

// CfgCookieDecode sets CookieDecode. [CfgCookieEncode] must be set too.
func CfgCookieDecode(decode func(name, value string, sid any) error) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.CookieDecode = decode }
}

// CfgLogger sets Logger. Nil means [SLogger].
func CfgLogger(logger *slog.Logger) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.Logger = logger }
}

// CfgOnCreate sets OnCreate, which is called for each session that begins.
func CfgOnCreate(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnCreate = handler }
}

// CfgOnRegenerate sets OnRegenerate, which is called for each session that gets a new sid.
func CfgOnRegenerate(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnRegenerate = handler }
}

// CfgOnDestroy sets OnDestroy, which is called for each session that is destroyed.
func CfgOnDestroy(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnDestroy = handler }
}

// CfgOnConflict sets OnConflict, which is called when another node has changed a session before it was saved.
func CfgOnConflict(handler EventHandler) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.OnConflict = handler }
}

// CfgErrorHandler sets ErrorHandler, which may be called from many goroutines at once.
func CfgErrorHandler(handler func(w http.ResponseWriter, r *http.Request, err error)) ManagerConfigOpt {
	return func(config *ManagerConfig) { config.ErrorHandler = handler }
}
