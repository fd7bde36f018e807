package session

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A ManagerConfig holds the settings of a [Manager]. It is made by [NewManagerConfig] from options, by
// [ParseConfig] or [LoadConfig] from JSON, or as a literal, which means what it says: there
// EnableSetCookie is false unless set. Whoever makes a Manager checks the settings; the struct stays as
// the caller wrote it. Printed or logged, it hides ProviderConfig and EncryptionKeys.
type ManagerConfig struct {
	// EnableSetCookie sends the sid as a cookie. Without it, and with the header and the query off too,
	// no visitor ever comes back to a session.
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
	// bookmarked, shared and sent as Referer, and the sid with them.
	EnableSidInURLQuery bool `json:"EnableSidInURLQuery"`

	// CookieName names the cookie, and the query parameter. "" means gosessionid. A browser holds a name
	// that begins with __Secure-, __Host-, __Http- or __Host-Http- to what the prefix promises, so the
	// other settings must keep it.
	CookieName string `json:"cookieName"`

	// Gclifetime is the time between two sweeps of expired sessions, in seconds. Zero means 3600. A
	// session is gone at its deadline, swept or not.
	Gclifetime int64 `json:"gclifetime"`

	// Maxlifetime is how long an idle session lives, in seconds. Zero means Gclifetime.
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

	// Partitioned gives an embedded page a session for each site that embeds it. It needs Secure.
	Partitioned bool `json:"partitioned"`

	// AbsoluteLifetime is how long a session lives at most, used or not. Zero means no such limit.
	AbsoluteLifetime time.Duration `json:"absoluteLifetime"`

	// TouchInterval is how much of the idle lifetime passes before a request that only reads writes the
	// new deadline to the store; a session may end by so much too early. Zero means one twentieth of
	// Maxlifetime, at most 60 s. Negative means at every request.
	TouchInterval time.Duration `json:"touchInterval"`

	// OpTimeout bounds each call that needs the store, its waits and retries included. Zero means 5 s.
	OpTimeout time.Duration `json:"opTimeout"`

	// MaxBytes is the largest encoded session that is stored. Zero means 1 MiB.
	MaxBytes int `json:"maxBytes"`

	// MaxPerUser is how many sessions a user may have at a time. Zero means no limit. Not available in
	// this version.
	MaxPerUser int `json:"maxPerUser"`

	// OnLimit says what happens to a login beyond MaxPerUser: "evict", the default, ends the user's
	// oldest session, "refuse" refuses the new one.
	OnLimit string `json:"onLimit"`

	// Lazy makes [Manager.Start] give a session and a cookie only to visitors for whom something is
	// stored, as the middleware does anyway.
	Lazy bool `json:"lazy"`

	// Codec is the format of the stored values: "compact", "gob", or "" for "compact", with Beego for
	// "gob".
	Codec string `json:"codec"`

	// EncryptionKeys encrypt the stored values: the first seals, all of them open. Not available in this
	// version.
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

	// TrustedProxies are the addresses and CIDRs of proxies whose X-Forwarded-Proto counts. A client that
	// can connect from one of them can claim TLS.
	TrustedProxies []string `json:"trustedProxies"`

	// Logger gets what an operator should know. It never sees a sid, a value or the name of one. Nil
	// means SLogger, which writes to standard error.
	Logger *slog.Logger `json:"-"`

	// ErrorHandler is told of each error that no return value carries. Under Manager.Handler, when a
	// save fails before the headers were sent, w is not nil and ErrorHandler must answer; without an
	// ErrorHandler the answer is 503 Service Unavailable. Otherwise w is nil. r may be nil. It is called
	// from many goroutines at once.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error) `json:"-"`
}

const (
	maxCookieName   = 256
	maxCookieAttr   = 1024               // a browser drops a longer attribute
	maxCookieAge    = 400 * 24 * 60 * 60 // a browser cuts a longer age
	maxSIDPrefix    = 64
	maxNamespace    = 128
	defaultMaxBytes = 1 << 20
)

// settings are a checked copy of a ManagerConfig with the defaults filled in, but for a nil Logger, and
// what follows from them. They never change.
type settings struct {
	ManagerConfig

	gcEvery      time.Duration
	idle         time.Duration
	absolute     time.Duration // 0 for none
	touchEvery   time.Duration // 0 for every request
	opTimeout    time.Duration
	cookieMaxAge int // seconds, 0 until the browser closes
	maxBytes     int
	sidBytes     int
	trusted      []netip.Prefix
	headerName   string // canonical, "" if the header is off
}

// resolve checks c and fills in the defaults. Errors are a *ConfigError and show no text from c. It
// never changes c and shares no slice with it.
func (c *ManagerConfig) resolve() (*settings, error) {
	if c == nil {
		return nil, configErrorf("ManagerConfig", "config is nil: use NewManagerConfig")
	}
	s := &settings{ManagerConfig: *c}
	s.EncryptionKeys = slices.Clone(c.EncryptionKeys)
	s.TrustedProxies = slices.Clone(c.TrustedProxies)
	for _, check := range []func() error{
		s.checkLifetimes, s.checkTouch, s.checkCookieAge, s.checkName, s.checkAttributes, s.checkSameSite,
		s.checkPrefix, s.checkHeader, s.checkSID, s.checkNamespace, s.checkLimits, s.checkCodec, s.checkProxies,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) checkLifetimes() (err error) {
	orDefault(&s.Gclifetime, 3600)
	if s.gcEvery, err = secondsOf("gclifetime", s.Gclifetime); err != nil {
		return err
	}
	orDefault(&s.Maxlifetime, s.Gclifetime)
	if s.idle, err = secondsOf("maxLifetime", s.Maxlifetime); err != nil {
		return err
	}
	if s.AbsoluteLifetime < 0 {
		return configErrorf("absoluteLifetime", "%v is negative", s.AbsoluteLifetime)
	}
	if s.OpTimeout < 0 {
		return configErrorf("opTimeout", "%v is negative", s.OpTimeout)
	}
	orDefault(&s.OpTimeout, 5*time.Second)
	s.absolute, s.opTimeout = s.AbsoluteLifetime, s.OpTimeout
	return nil
}

// orDefault sets *setting to value if it is zero.
func orDefault[T comparable](setting *T, value T) {
	var zero T
	if *setting == zero {
		*setting = value
	}
}

func secondsOf(field string, n int64) (time.Duration, error) {
	if n < 0 {
		return 0, configErrorf(field, "%d is negative", n)
	}
	if n > math.MaxInt64/int64(time.Second) {
		return 0, configErrorf(field, "%d seconds are too many", n)
	}
	return time.Duration(n) * time.Second, nil
}

func (s *settings) checkTouch() error {
	if s.TouchInterval >= s.idle {
		return configErrorf("touchInterval", "%v is not less than maxLifetime, %v", s.TouchInterval, s.idle)
	}
	orDefault(&s.TouchInterval, min(s.idle/20, time.Minute))
	s.touchEvery = max(s.TouchInterval, 0)
	return nil
}

func (s *settings) checkCookieAge() error {
	if s.CookieLifeTime < -1 {
		return configErrorf("cookieLifeTime", "%d is negative", s.CookieLifeTime)
	}
	if s.CookieLifeTime > maxCookieAge {
		return configErrorf("cookieLifeTime", "%d is over %d, the 400 days that a browser keeps a cookie",
			s.CookieLifeTime, maxCookieAge)
	}
	s.cookieMaxAge = max(s.CookieLifeTime, 0)
	return nil
}

func (s *settings) checkName() error {
	orDefault(&s.CookieName, "gosessionid")
	if !isToken(s.CookieName) {
		return configErrorf("cookieName", "only letters, digits and !#$%%&'*+-.^_`|~ can be in a cookie's name")
	}
	if len(s.CookieName) > maxCookieName {
		return configErrorf("cookieName", "%d bytes are over %d", len(s.CookieName), maxCookieName)
	}
	return nil
}

// isToken reports whether name is a token, which is what names of cookies and headers must be.
func isToken(name string) bool {
	return name != "" && onlyAlphanumericOr(name, "!#$%&'*+-.^_`|~")
}

func onlyAlphanumericOr(text, others string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		alphanumeric := '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
		return !alphanumeric && !strings.ContainsRune(others, r)
	})
}

// checkAttributes refuses what net/http would silently leave out of the cookie, and browsers too.
func (s *settings) checkAttributes() error {
	orDefault(&s.CookiePath, "/")
	switch path := (&http.Cookie{Name: "n", Path: s.CookiePath}); {
	case len(s.CookiePath) > maxCookieAttr:
		return configErrorf("cookiePath", "%d bytes are over %d", len(s.CookiePath), maxCookieAttr)
	case s.CookiePath[0] != '/':
		return configErrorf("cookiePath", `want a path that begins with "/"`)
	case path.Valid() != nil:
		return configErrorf("cookiePath", "a control character, a semicolon or one beyond ASCII cannot be in it")
	}
	if s.Domain == "" {
		return nil
	}
	s.Domain = strings.TrimPrefix(s.Domain, ".")
	domain := &http.Cookie{Name: "n", Domain: s.Domain}
	if s.Domain == "" || strings.HasPrefix(s.Domain, ".") || strings.HasSuffix(s.Domain, ".") || domain.Valid() != nil {
		return configErrorf("domain", "want the name of a host, such as example.com")
	}
	return nil
}

func (s *settings) checkSameSite() error {
	orDefault(&s.CookieSameSite, http.SameSiteLaxMode)
	switch s.CookieSameSite {
	case http.SameSiteDefaultMode:
		s.CookieSameSite = http.SameSiteLaxMode
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if !s.Secure {
			return configErrorf("cookieSameSite", "none needs secure: true, or browsers drop the cookie")
		}
	default:
		return configErrorf("cookieSameSite", "%d is none of lax (2), strict (3), none (4), default (1)", s.CookieSameSite)
	}
	if s.Partitioned && !s.Secure {
		return configErrorf("partitioned", "needs secure: true, or browsers drop the cookie")
	}
	return nil
}

// checkPrefix holds a cookie to the promise of its name, whose prefix browsers compare in any case.
func (s *settings) checkPrefix() error {
	name := strings.ToLower(s.CookieName)
	host := strings.HasPrefix(name, "__host-")
	script := strings.HasPrefix(name, "__http-") || strings.HasPrefix(name, "__host-http-")
	switch {
	case !host && !script && !strings.HasPrefix(name, "__secure-"):
		return nil
	case !s.Secure:
		return configErrorf("cookieName", "the prefix needs secure: true, or browsers drop the cookie")
	case script && s.DisableHTTPOnly:
		return configErrorf("cookieName", "the prefix needs disableHTTPOnly: false, or browsers drop the cookie")
	case host && s.CookiePath != "/":
		return configErrorf("cookieName", `the prefix needs cookiePath "/", or browsers drop the cookie`)
	case host && s.Domain != "":
		return configErrorf("cookieName", "the prefix needs no domain, or browsers drop the cookie")
	}
	return nil
}

// takenHeaders have a meaning of their own, to HTTP itself or to whoever is between client and server.
var takenHeaders = []string{
	"Age", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Cookie",
	"Cookie2", "Date", "Expect", "Forwarded", "Host", "Keep-Alive", "Location", "Origin", "Referer",
	"Set-Cookie", "Set-Cookie2", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "Via",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

func (s *settings) checkHeader() error {
	const field = "SessionNameInHTTPHeader"
	if !s.EnableSidInHTTPHeader {
		return nil
	}
	if s.SessionNameInHTTPHeader == "" {
		return configErrorf(field, "EnableSidInHTTPHeader needs the name of a header")
	}
	if !isToken(s.SessionNameInHTTPHeader) || len(s.SessionNameInHTTPHeader) > maxCookieName {
		return configErrorf(field, "want the name of a header, such as X-Session")
	}
	s.headerName = http.CanonicalHeaderKey(s.SessionNameInHTTPHeader)
	if slices.Contains(takenHeaders, s.headerName) || strings.HasPrefix(s.headerName, "Sec-") {
		return configErrorf(field, "this header has another meaning: want one such as X-Session")
	}
	s.SessionNameInHTTPHeader = s.headerName
	return nil
}

func (s *settings) checkSID() error {
	orDefault(&s.SessionIDLength, 16)
	if s.SessionIDLength < 16 || s.SessionIDLength > 64 {
		return configErrorf("sessionIDLength", "%d is not from 16 to 64", s.SessionIDLength)
	}
	s.sidBytes = int(s.SessionIDLength)
	if len(s.SessionIDPrefix) > maxSIDPrefix || !onlyAlphanumericOr(s.SessionIDPrefix, "_-.") {
		return configErrorf("sessionIDPrefix", "want at most %d letters, digits and _-.", maxSIDPrefix)
	}
	return nil
}

func (s *settings) checkNamespace() error {
	orDefault(&s.Namespace, s.SessionIDPrefix)
	if len(s.Namespace) > maxNamespace {
		return configErrorf("namespace", "%d bytes are over %d", len(s.Namespace), maxNamespace)
	}
	if !utf8.ValidString(s.Namespace) || strings.ContainsFunc(s.Namespace, unicode.IsControl) {
		return configErrorf("namespace", "want text without control characters")
	}
	return nil
}

func (s *settings) checkLimits() error {
	if s.MaxBytes < 0 {
		return configErrorf("maxBytes", "%d is negative", s.MaxBytes)
	}
	orDefault(&s.MaxBytes, defaultMaxBytes)
	s.maxBytes = s.MaxBytes

	orDefault(&s.OnLimit, "evict")
	if s.OnLimit != "evict" && s.OnLimit != "refuse" {
		return configErrorf("onLimit", `want "evict" or "refuse"`)
	}
	if s.MaxPerUser < 0 {
		return configErrorf("maxPerUser", "%d is negative", s.MaxPerUser)
	}
	if s.MaxPerUser > 0 {
		return unavailable("maxPerUser", "a limit")
	}
	return nil
}

func unavailable(field, what string) error {
	return configErrorf(field, "%s is not available in this version: %w", what, errors.ErrUnsupported)
}

func (s *settings) checkCodec() error {
	usual := "compact"
	if s.Beego {
		usual = "gob"
	}
	orDefault(&s.Codec, usual)
	switch {
	case s.Codec == "json":
		return unavailable("codec", `"json"`)
	case s.Codec != "compact" && s.Codec != "gob":
		return configErrorf("codec", `want "compact" or "gob"`)
	case s.Beego && s.Codec != "gob":
		return configErrorf("codec", `beego reads "gob" alone`)
	case len(s.EncryptionKeys) > 0:
		return unavailable("encryptionKeys", "encryption")
	}
	return nil
}

func (s *settings) checkProxies() error {
	for i, text := range s.TrustedProxies {
		prefix, err := parseProxy(text)
		if err != nil {
			return configErrorf("trustedProxies", "entry %d is neither an address nor a CIDR", i+1)
		}
		s.trusted = append(s.trusted, prefix)
	}
	return nil
}

// parseProxy reads an address or a CIDR. IPv4 written as IPv6 becomes IPv4, as in a client's address.
func parseProxy(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, errors.New("not an address")
		}
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}
