package session

import (
	"log/slog"
	"net/http"
	"time"
)

// A ManagerConfig holds the settings of a [Manager]. It is made by [NewManagerConfig] from options, by
// [ParseConfig] or [LoadConfig] from JSON, or as a literal, which means what it says: there
// EnableSetCookie is false unless set. Whoever makes a Manager checks the settings; the struct stays as
// the caller wrote it. Printed or logged, it hides ProviderConfig and EncryptionKeys. Times are from a
// millisecond to a century where nothing else is said.
type ManagerConfig struct {
	// EnableSetCookie sends the sid as a cookie. Without it, and with the header and the query off too,
	// no visitor ever comes back to a session: New warns of that.
	EnableSetCookie bool `json:"enableSetCookie"`

	// DisableHTTPOnly lets scripts read the cookie. One injected script then steals every session.
	DisableHTTPOnly bool `json:"disableHTTPOnly"`

	// Secure marks the cookie as Secure always. False marks it on requests that came over TLS, by
	// themselves or as one of TrustedProxies says. A cookie without the mark travels in clear.
	Secure bool `json:"secure"`

	// EnableSidInHTTPHeader also takes the sid from, and answers it in, the header
	// SessionNameInHTTPHeader.
	EnableSidInHTTPHeader bool `json:"EnableSidInHTTPHeader"`

	// EnableSidInURLQuery also takes the sid from the query parameter CookieName. URLs are logged,
	// bookmarked, shared and sent as Referer, and the sid with them. The new sid of a Login or Regenerate is answered in the
	// cookie, with EnableSetCookie, and the cookie goes before the URL from then on; without cookies the application puts
	// [Session.SessionID] into its links.
	EnableSidInURLQuery bool `json:"EnableSidInURLQuery"`

	// CookieName names the cookie, and the query parameter. "" means gosessionid. A browser holds a name
	// that begins with __Secure-, __Host-, __Http- or __Host-Http- to what the prefix promises, so the
	// other settings must keep it.
	CookieName string `json:"cookieName"`

	// Gclifetime is the time between two sweeps of expired sessions, in seconds, and, as in beego, Maxlifetime where
	// that is not set. Zero means 3600. SweepInterval sets the sweep alone.
	Gclifetime int64 `json:"gclifetime"`

	// Maxlifetime is how long an idle session lives, in seconds. Zero means Gclifetime, of which the Logger is told when a
	// Manager begins.
	Maxlifetime int64 `json:"maxLifetime"`

	// CookieLifeTime is how long the browser keeps the cookie, in seconds, at most 400 days. Zero and -1
	// mean: until the browser closes.
	CookieLifeTime int `json:"cookieLifeTime"`

	// ProviderConfig is what the provider is told: an address, a folder, a JSON object. Each provider
	// documents its grammar. It often holds a password.
	ProviderConfig string `json:"providerConfig"`

	// Domain lets the hosts below this one see the cookie too, and change it. "" means this host alone.
	// A leading dot is dropped.
	Domain string `json:"domain"`

	// SessionIDLength is the number of random bytes in a sid, from 16 to 64; the sid has two characters
	// for each. Zero means 16.
	SessionIDLength int64 `json:"sessionIDLength"`

	// SessionNameInHTTPHeader names the header of EnableSidInHTTPHeader, in any case.
	SessionNameInHTTPHeader string `json:"SessionNameInHTTPHeader"`

	// SessionIDPrefix begins each sid: at most 64 letters, digits and "_-.". It is also the Namespace,
	// if that is empty.
	SessionIDPrefix string `json:"sessionIDPrefix"`

	// CookieSameSite says whether requests that other sites cause carry the cookie. Zero and
	// SameSiteDefaultMode mean Lax. None needs Secure, and lets every site act in the visitor's name.
	CookieSameSite http.SameSite `json:"cookieSameSite"`

	// Provider names the provider, for a config that says everything in one place.
	Provider string `json:"provider"`

	// CookiePath is the path below which the browser sends the cookie. "" means "/". It is no wall
	// between applications of one host.
	CookiePath string `json:"cookiePath"`

	// CrossSiteCookies begins a session also for a request that another site has caused and that came without the cookie because
	// of CookieSameSite. By default none begins, since its cookie would take the place of the one that the browser has kept back:
	// see [Manager.Start]. Browsers tell by the header Sec-Fetch-Site, over HTTPS and on localhost.
	CrossSiteCookies bool `json:"crossSiteCookies"`

	// Partitioned gives an embedded page a session for each site that embeds it. It needs Secure.
	Partitioned bool `json:"partitioned"`

	// AbsoluteLifetime is how long a session lives at most, used or not, remembered or not: [Session.RememberMe] refuses
	// a longer time. Zero means no such limit.
	AbsoluteLifetime time.Duration `json:"absoluteLifetime"`

	// TouchInterval is how much of the idle lifetime passes before a request that only reads writes the
	// new deadline to the store; a session may end by so much too early. Zero means one twentieth of
	// Maxlifetime, or of CookieLifeTime if that is shorter, at most 60 s. Negative means at every request.
	TouchInterval time.Duration `json:"touchInterval"`
	// MarkLifetime is for how long a sid is remembered that a Login or a Regenerate has replaced: a request that comes late
	// with it, such as a poll, gets no new session, whose cookie would take the place of the login's. Zero means a minute,
	// negative means not at all, an hour is the most. The cookie provider, those of third parties, and beego's layouts remember none.
	MarkLifetime time.Duration `json:"markLifetime"`

	// SweepInterval is the time between two sweeps of expired sessions: see [Manager.GC]. Zero means Gclifetime. A
	// session is gone at its deadline, swept or not.
	SweepInterval time.Duration `json:"sweepInterval"`

	// OpTimeout bounds each call that needs the store, its waits and retries included. Zero means 5 s.
	OpTimeout time.Duration `json:"opTimeout"`

	// MaxBytes is the largest encoded session that is stored. Zero means 1 MiB. One that is stored already opens up to four
	// times that size, so that a lower limit locks nobody out; a larger one is an error of Start wrapping [ErrTooLarge], and can
	// only be ended.
	MaxBytes int `json:"maxBytes"`

	// MaxPerUser is how many sessions a user may have at a time, on all nodes together: see [Session.Login]. Zero
	// means no limit. A provider that cannot limit is an error of NewManager.
	MaxPerUser int `json:"maxPerUser"`

	// OnLimit says what happens to a login beyond MaxPerUser: "evict", the default, ends the user's
	// oldest session, "refuse" refuses the new one.
	OnLimit string `json:"onLimit"`

	// Lazy makes [Manager.Start] give a session and a cookie only to visitors for whom something is
	// stored, as the middleware does anyway.
	Lazy bool `json:"lazy"`

	// Codec is the format of the stored values: "compact", "gob" or "json". "" means "compact", with Beego "gob".
	Codec string `json:"codec"`

	// EncryptionKeys encrypt the stored values: the first seals, all of them open. Each has at least 16
	// bytes, random ones. Sessions that were stored without encryption, or under a key that is not listed any
	// more, are as good as absent.
	EncryptionKeys []string `json:"encryptionKeys"`

	// Namespace separates applications that share a store: managers of one namespace share its sessions,
	// others never meet. At most 128 bytes. "" means SessionIDPrefix.
	Namespace string `json:"namespace"`

	// Beego reads and writes sessions as beego stores them, for a change from one to the other without
	// logouts. The store then holds sids that can be used by whoever reads it.
	Beego bool `json:"beego"`

	// DisableCacheHeaders leaves out the headers that keep shared caches from storing a response with a
	// cookie. A cache that stores one gives one visitor's session to another.
	DisableCacheHeaders bool `json:"disableCacheHeaders"`

	// TrustedProxies are the addresses and CIDRs of proxies whose X-Forwarded-Proto and Forwarded count; "unix" stands
	// for those that connect by a Unix socket. Of several values the first counts, which is about the client. A client
	// that can connect from one of them can claim TLS.
	TrustedProxies []string `json:"trustedProxies"`

	// SessionIDGenerator makes the sids instead of SessionIDLength: behind SessionIDPrefix, 16 to 128 letters,
	// digits, "_" and "-", anything else being an error of whatever needs a sid. It is called from many
	// goroutines at once. Whoever can guess what it returns has every session: it must be at least 128 bits from
	// a cryptographic generator. A sid that comes from a client is looked up if it has this shape, which
	// that of SessionIDLength has too. x is the request that needs one, nil where there is none, as in the methods of a [Provider];
	// its values come from the client. It must not use the Session, which is locked.
	SessionIDGenerator func(x Exchange) (string, error) `json:"-"`

	// CookieAttributes changes the attributes of one response's cookie: c has them as they would be sent, and Path, Domain, MaxAge,
	// Secure, HttpOnly, SameSite and Partitioned count. A multi-tenant site can set Domain by x.RequestHeader("Host"), which may have
	// a port. It is called for each cookie that is sent, once for all its parts, and for each line that removes one: that has MaxAge
	// -1 and must get the Path and the Domain that the cookie was set with. A MaxAge of its own is not renewed as the session is used,
	// as that of [Session.RememberMe] is. What a browser would drop, such as SameSite=None without Secure, is reported, and the
	// configured attributes are sent. Which requests of other sites begin no session still goes by CookieSameSite and
	// CrossSiteCookies. It is called from many goroutines at once, must not use the Session, which is locked, and sees neither
	// name nor value.
	CookieAttributes func(x Exchange, c *http.Cookie) `json:"-"`

	// CookieEncode makes the cookie's value of its name and a sid, and CookieDecode, which is given a *string
	// for it, takes the sid out again, as the methods of these names of gorilla's securecookie do. What is decoded
	// must have the exact shape of a sid. Both are set or neither; they see no header and no query, and are
	// called from many goroutines at once. Providers that seal sessions into the cookie refuse them.
	CookieEncode func(name string, sid any) (string, error) `json:"-"`
	CookieDecode func(name, value string, sid any) error    `json:"-"`

	// Logger gets what an operator should know. It never sees a sid, a value or the name of one. Nil
	// means SLogger, which writes to standard error.
	Logger *slog.Logger `json:"-"`

	// ErrorHandler is told of each error that no return value carries. Under Manager.Handler, when a
	// save fails before the headers were sent, w is not nil and ErrorHandler can answer; if it does not, the
	// answer is 503 Service Unavailable. Otherwise w is nil. r may be nil. It is called from many goroutines
	// at once. It must not use the Session, which is locked when the error is that of a cookie.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error) `json:"-"`

	// OnCreate is told of each session that begins.
	OnCreate EventHandler `json:"-"`

	// OnRegenerate is told of each session that gets a new sid, by a login too.
	OnRegenerate EventHandler `json:"-"`

	// OnDestroy is told of each session that is destroyed through this manager, and why. It is told of an expired one
	// when this manager's sweep has removed it, with a provider that is a [driver.Sweeper]; it then runs in the sweep's goroutine,
	// which waits: Close would wait for itself, and a panic there goes to the Logger. DestroyAll does not look at what it
	// ends. With a client-side provider it is never called. It makes a logout read the session first.
	OnDestroy EventHandler `json:"-"`

	// OnConflict is told each time another node has changed a session between this one's load and save. The save
	// is made again; many of them mean that requests of one session do not reach one node.
	OnConflict EventHandler `json:"-"`
}
