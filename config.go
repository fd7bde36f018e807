package session

import (
	"log/slog"
	"net/http"
	"time"
)

// A ManagerConfig holds the settings of a [Manager]. [NewManagerConfig] makes one from options, [ParseConfig] and
// [LoadConfig] read one from JSON, and a literal works too. In a literal EnableSetCookie is false unless it is set; all
// other defaults are the same.
//
// The settings are checked when a Manager is made. The Manager works on a copy, so the struct stays as the caller wrote it
// and later changes have no effect. When a ManagerConfig is printed or logged, it hides ProviderConfig and EncryptionKeys.
// Unless a field says otherwise, a time is zero or between a millisecond and a century.
type ManagerConfig struct {
	// EnableSetCookie sends the sid in a cookie. If it is false, and the header and the query are off too, no client can
	// return to its session, and New logs a warning.
	EnableSetCookie bool `json:"enableSetCookie"`

	// DisableHTTPOnly lets scripts read the cookie. One injected script can then steal every session.
	DisableHTTPOnly bool `json:"disableHTTPOnly"`

	// Secure always gives the cookie the attribute Secure. If it is false, the cookie has the attribute only on requests
	// that came over TLS, either to this process or, as one of TrustedProxies says, to the proxy. Browsers also send a
	// cookie without the attribute over unencrypted connections.
	Secure bool `json:"secure"`

	// EnableSidInHTTPHeader accepts the sid in the request header SessionNameInHTTPHeader too, and sends it in the response
	// header of that name.
	EnableSidInHTTPHeader bool `json:"EnableSidInHTTPHeader"`

	// EnableSidInURLQuery accepts the sid in the query parameter CookieName too. URLs are logged, bookmarked, shared and
	// sent as Referer, and the sid with them. With EnableSetCookie, Login and Regenerate send the new sid in the cookie,
	// which from then on has precedence over the URL. Without it, the application must put [Session.SessionID] into its
	// links.
	EnableSidInURLQuery bool `json:"EnableSidInURLQuery"`

	// CookieName is the name of the cookie and of the query parameter. "" means gosessionid. A name that begins with
	// __Secure-, __Host-, __Http- or __Host-Http- makes promises that browsers enforce. Settings that break such a promise
	// are an error.
	CookieName string `json:"cookieName"`

	// Gclifetime is the time between two sweeps of expired sessions, in seconds. As in beego, it is also the idle lifetime
	// if Maxlifetime is zero. Zero means 3600. If SweepInterval is set, that is the time between two sweeps instead.
	Gclifetime int64 `json:"gclifetime"`

	// Maxlifetime is the idle lifetime: how long a session lives after its last use, in seconds. Zero means Gclifetime; if
	// that is set, New logs a warning.
	Maxlifetime int64 `json:"maxLifetime"`

	// CookieLifeTime is how long the browser keeps the cookie, in seconds, at most 400 days. With zero or -1 the browser
	// keeps it until it closes.
	CookieLifeTime int `json:"cookieLifeTime"`

	// ProviderConfig is passed to the provider: an address, a folder or a JSON object. Each provider documents what it
	// takes. The text often contains a password.
	ProviderConfig string `json:"providerConfig"`

	// Domain is the cookie's attribute of that name. All hosts below it can read and change the cookie. "" means that only
	// the host of the request gets it. A leading dot is dropped.
	Domain string `json:"domain"`

	// SessionIDLength is the number of random bytes in a sid, from 16 to 64. Each byte becomes two characters of the sid.
	// Zero means 16.
	SessionIDLength int64 `json:"sessionIDLength"`

	// SessionNameInHTTPHeader is the name of the header that EnableSidInHTTPHeader uses. Its case does not matter.
	SessionNameInHTTPHeader string `json:"SessionNameInHTTPHeader"`

	// SessionIDPrefix is the beginning of each sid: at most 64 letters, digits, "_", "-" and ".". If Namespace is empty,
	// SessionIDPrefix is the namespace too.
	SessionIDPrefix string `json:"sessionIDPrefix"`

	// CookieSameSite says whether browsers send the cookie with requests that other sites cause. Zero and
	// SameSiteDefaultMode mean Lax. None needs Secure, and lets every site send requests in the visitor's name.
	CookieSameSite http.SameSite `json:"cookieSameSite"`

	// Provider is the name of the provider that [Open] uses. [NewManager] returns an error if it names another provider
	// than its argument.
	Provider string `json:"provider"`

	// CookiePath is the path below which the browser sends the cookie. "" means "/". It does not protect applications on
	// the same host from each other.
	CookiePath string `json:"cookiePath"`

	// CrossSiteCookies lets a request begin a session although another site has caused it and CookieSameSite has withheld
	// the cookie. By default such a request begins no session, because the new cookie would replace the one that the
	// browser has withheld: see [Manager.Start]. Browsers mark these requests with the header Sec-Fetch-Site, over HTTPS
	// and on localhost.
	CrossSiteCookies bool `json:"crossSiteCookies"`

	// Partitioned gives an embedded page a separate session for each site that embeds it. It needs Secure.
	Partitioned bool `json:"partitioned"`

	// AbsoluteLifetime is how long a session lives at most, however often it is used and whether or not it is remembered:
	// [Session.RememberMe] refuses a longer time. Zero means no limit. [Session.SetAbsoluteLifetime] sets another limit for
	// one session.
	AbsoluteLifetime time.Duration `json:"absoluteLifetime"`

	// TouchInterval is how much of the idle lifetime must pass before a request that only reads writes the new idle
	// deadline to the store. A session may therefore end too early by up to this time. Zero means one twentieth of
	// Maxlifetime, or of CookieLifeTime if that is shorter, but at most 60 s. A negative value means that every request
	// writes the deadline.
	TouchInterval time.Duration `json:"touchInterval"`
	// MarkLifetime is how long the store remembers a sid that a Login or Regenerate has replaced. A request that arrives
	// late with such a sid, for example a poll, gets no new session, whose cookie would replace the cookie of the login.
	// Zero means a minute, a negative value means that no sid is remembered, and the maximum is an hour. The cookie
	// provider, third-party providers and Beego mode remember none.
	MarkLifetime time.Duration `json:"markLifetime"`

	// SweepInterval is the time between two sweeps of expired sessions: see [Manager.GC]. Zero means Gclifetime. A session
	// ends at its deadline, whether it has been swept or not.
	SweepInterval time.Duration `json:"sweepInterval"`

	// OpTimeout limits each call that needs the store, including its waits and retries. Zero means 5 s.
	OpTimeout time.Duration `json:"opTimeout"`

	// MaxBytes is the size of the largest encoded session that can be stored. Zero means 1 MiB. A session that is already
	// stored can still be read if it has up to four times that size, so that a lower limit locks nobody out. For a larger
	// one Start returns an error wrapping [ErrTooLarge]; such a session can only be ended.
	MaxBytes int `json:"maxBytes"`

	// MaxPerUser is how many sessions a user may have at the same time, on all nodes together: see [Session.Login]. Zero
	// means no limit. NewManager returns an error if the provider cannot limit sessions.
	MaxPerUser int `json:"maxPerUser"`

	// OnLimit says what a login beyond MaxPerUser does: "evict", the default, ends the sessions of the user that logged in
	// first; "refuse" refuses the login.
	OnLimit string `json:"onLimit"`

	// Lazy makes [Manager.Start] give a session and a cookie only to visitors for whom something is stored.
	// [Manager.Handler] always works like this.
	Lazy bool `json:"lazy"`

	// Codec is the format of the stored values: "compact", "gob" or "json". "" means "compact", or "gob" in Beego mode.
	Codec string `json:"codec"`

	// EncryptionKeys encrypt the stored values. The first key encrypts, and all keys decrypt. Each must have at least 16
	// bytes, and they must be random. Sessions that were stored without encryption, or under a key that is no longer
	// listed, are treated as if they did not exist.
	EncryptionKeys []string `json:"encryptionKeys"`

	// Namespace separates applications that share a store. Managers with the same namespace share sessions; managers with
	// different namespaces never see each other's. It has at most 128 bytes. "" means SessionIDPrefix.
	Namespace string `json:"namespace"`

	// Beego reads and writes sessions in beego's format, so that an application can change from one package to the other
	// without logging visitors out. The store then contains sids, and anybody who reads the store can use them.
	Beego bool `json:"beego"`

	// DisableCacheHeaders leaves out the headers that keep shared caches from storing a response with a cookie. A cache
	// that stores such a response gives one visitor's session to another.
	DisableCacheHeaders bool `json:"disableCacheHeaders"`

	// TrustedProxies are the addresses and CIDRs of proxies whose headers X-Forwarded-Proto and Forwarded are believed.
	// "unix" stands for proxies that connect over a Unix socket. If a header has several values, the first one is used,
	// because it describes the client. A client that can connect from one of these addresses can claim to use TLS.
	TrustedProxies []string `json:"trustedProxies"`

	// SessionIDGenerator makes the sids, instead of SessionIDLength random bytes. It returns the part after
	// SessionIDPrefix: 16 to 128 letters, digits, "_" and "-". Any other result is an error of the call that needs the sid.
	// Anybody who can guess a result can use the session, so it must have at least 128 bits from a cryptographic generator.
	// A sid from a client is looked up if it has this shape, and sids of SessionIDLength have it too.
	//
	// x is the request that needs the sid, or nil if there is none, as in the methods of a [Provider]. The values in x come
	// from the client. The function is called from many goroutines at once. It must not use the Session, which is locked.
	// Nil means random bytes.
	SessionIDGenerator func(x Exchange) (string, error) `json:"-"`

	// CookieAttributes changes the attributes of the cookie in one response. c holds the attributes that would be sent;
	// changes of Path, Domain, MaxAge, Secure, HttpOnly, SameSite and Partitioned take effect. The name and the value are
	// not shown. A multi-tenant site can set Domain according to x.RequestHeader("Host"), which may include a port.
	//
	// The function is called for each cookie that is sent, once for all its parts, and for each line that removes a cookie.
	// A line that removes one has MaxAge -1 and must get the Path and Domain that the cookie was set with. A MaxAge that
	// the function sets is not renewed while the session is used; that of [Session.RememberMe] is. If browsers would drop
	// the result, such as SameSite=None without Secure, an error goes to ErrorHandler and Logger, and the configured
	// attributes are sent. Which requests of other sites begin no session still depends on CookieSameSite and
	// CrossSiteCookies.
	//
	// The function is called from many goroutines at once. It must not use the Session, which is locked.
	CookieAttributes func(x Exchange, c *http.Cookie) `json:"-"`

	// CookieEncode makes the value of the cookie from its name and a sid, which is a string. CookieDecode stores the sid of
	// such a value in sid, which is a *string. The methods Encode and Decode of gorilla's securecookie fit. The decoded sid
	// must have the exact shape of a sid. Either both are set or neither. They are not used for the header and the query,
	// and are called from many goroutines at once. Providers that seal sessions into the cookie refuse them.
	CookieEncode func(name string, sid any) (string, error) `json:"-"`
	CookieDecode func(name, value string, sid any) error    `json:"-"`

	// Logger gets what an operator should know. It never gets a sid, or the key or value of an entry of a session. Nil
	// means [SLogger], which writes to standard error.
	Logger *slog.Logger `json:"-"`

	// ErrorHandler is called with each error that no return value carries. Under [Manager.Handler], when a save fails
	// before the response headers are sent, w is not nil, and ErrorHandler can write the response; if it does not, the
	// response is 503 Service Unavailable. In all other cases w is nil. r may be nil. The function is called from many
	// goroutines at once. It must not use the Session, which is locked when the error is about a cookie.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error) `json:"-"`

	// OnCreate is called for each session that begins.
	OnCreate EventHandler `json:"-"`

	// OnRegenerate is called for each session that gets a new sid, also by a login.
	OnRegenerate EventHandler `json:"-"`

	// OnDestroy is called for each session that is destroyed through this manager, with the reason. It makes a logout read
	// the session first.
	//
	// For an expired session it is called when this manager's sweep has removed it, if the provider is a [driver.Sweeper].
	// It then runs in the goroutine of the sweep, which waits for it: it must not call Close, which would wait for itself,
	// and its panics go to the Logger. DestroyAll does not call it, because it does not look at the sessions that it ends.
	// With a client-side provider it is never called.
	OnDestroy EventHandler `json:"-"`

	// OnConflict is called each time another node has changed a session between this request's load and its save. The save
	// is then tried again. Many conflicts mean that the requests of one session do not reach the same node.
	OnConflict EventHandler `json:"-"`
}
