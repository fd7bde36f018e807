package session

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed1a8f7c28/session/internal/merge"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// Limits that are not settings.
const (
	maxCookieName   = 256
	maxCookieAttr   = 1024               // browsers drop a longer attribute
	maxCookieAge    = 400 * 24 * 60 * 60 // browsers cut a longer age
	maxSIDPrefix    = 64
	maxNamespace    = 128
	defaultMaxBytes = 1 << 20
)

// settings are a checked copy of a ManagerConfig, in which everything but a nil Logger has its default, and the values that
// are derived from it. They do not change once the provider is open.
type settings struct {
	ManagerConfig

	gcEvery      time.Duration
	idle         time.Duration
	absolute     time.Duration // 0 for none
	touchEvery   time.Duration // 0 for every request
	markFor      time.Duration // 0 for not at all
	opTimeout    time.Duration
	cookieMaxAge int // seconds, 0 until the browser closes
	maxBytes     int
	sidBytes     int
	trusted      []netip.Prefix
	headerName   string      // canonical, "" if the header is off
	warnings     []string    // settings that are allowed, but probably not intended
	seal         *merge.Seal // nil without encryption
}

// resolve checks c and fills in the defaults. Its errors are a *ConfigError and show no text from c. It never changes c and
// shares no slice with it.
func (c *ManagerConfig) resolve() (*settings, error) {
	if c == nil {
		return nil, configErrorf("ManagerConfig", "config is nil: use NewManagerConfig")
	}
	s := &settings{ManagerConfig: *c}
	s.EncryptionKeys = slices.Clone(c.EncryptionKeys)
	s.TrustedProxies = slices.Clone(c.TrustedProxies)
	for _, check := range []func() error{
		s.checkLifetimes, s.checkCookieAge, s.checkTouch, s.checkName, s.checkAttributes, s.checkSameSite,
		s.checkPrefix, s.checkHeader, s.checkSID, s.checkNamespace, s.checkLimits, s.checkCodec, s.checkProxies, s.checkHooks,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) checkLifetimes() (err error) {
	shortens := s.Gclifetime != 0 && s.Maxlifetime == 0
	orDefault(&s.Gclifetime, 3600)
	if s.gcEvery, err = secondsOf("gclifetime", s.Gclifetime); err != nil {
		return err
	}
	if shortens {
		s.warnings = append(s.warnings, fmt.Sprintf("maxLifetime is not set: as in beego, idle sessions end after gclifetime, %v. "+
			"Set maxLifetime for the idle lifetime and sweepInterval for the sweep", s.gcEvery))
	}
	if err := checkTime("sweepInterval", s.SweepInterval); err != nil {
		return err
	}
	if s.SweepInterval > 0 {
		s.gcEvery = s.SweepInterval
	}
	orDefault(&s.Maxlifetime, s.Gclifetime)
	if s.idle, err = secondsOf("maxLifetime", s.Maxlifetime); err != nil {
		return err
	}
	if err := checkTime("absoluteLifetime", s.AbsoluteLifetime); err != nil {
		return err
	}
	orDefault(&s.OpTimeout, 5*time.Second)
	if err := checkTime("opTimeout", s.OpTimeout); err != nil {
		return err
	}
	orDefault(&s.MarkLifetime, time.Minute)
	if err := checkTime("markLifetime", max(s.MarkLifetime, 0)); err != nil {
		return err
	}
	if s.MarkLifetime > maxMarkLifetime {
		return configErrorf("markLifetime", "%v is more than an hour", s.MarkLifetime)
	}
	s.absolute, s.opTimeout, s.markFor = s.AbsoluteLifetime, s.OpTimeout, max(s.MarkLifetime, 0)
	return nil
}

// maxMarkLifetime limits how many marks a store may have to keep.
const maxMarkLifetime = time.Hour

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
	if n > int64(maxLifetime/time.Second) {
		return 0, configErrorf(field, "%d seconds are more than a century", n)
	}
	return time.Duration(n) * time.Second, nil
}

// checkTime returns an error if a setting is neither zero nor a possible lifetime of a session.
func checkTime(field string, d time.Duration) error {
	switch {
	case d < 0:
		return configErrorf(field, "%v is negative", d)
	case d != 0 && !isLifetime(d):
		return configErrorf(field, "%v is not between a millisecond and a century", d)
	}
	return nil
}

func (s *settings) checkTouch() error {
	life, what := s.idle, "maxLifetime"
	if age := time.Duration(s.cookieMaxAge) * time.Second; age > 0 && age < life {
		life, what = age, "cookieLifeTime" // the cookie is renewed when the session is touched
	}
	if err := checkTime("touchInterval", max(s.TouchInterval, 0)); err != nil {
		return err
	}
	if s.TouchInterval >= life {
		return configErrorf("touchInterval", "%v is not less than %s, %v", s.TouchInterval, what, life)
	}
	orDefault(&s.TouchInterval, min(life/20, time.Minute))
	s.touchEvery = max(s.TouchInterval, 0)
	return nil
}

// takenHeaders have a meaning of their own in HTTP or for proxies between client and server.
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
		return configErrorf(field, "EnableSidInHTTPHeader needs a header name")
	}
	if !isToken(s.SessionNameInHTTPHeader) || len(s.SessionNameInHTTPHeader) > maxCookieName {
		return configErrorf(field, "want a header name such as X-Session")
	}
	s.headerName = http.CanonicalHeaderKey(s.SessionNameInHTTPHeader)
	if slices.Contains(takenHeaders, s.headerName) || strings.HasPrefix(s.headerName, "Sec-") {
		return configErrorf(field, "this header already has a meaning in HTTP: want one such as X-Session")
	}
	s.SessionNameInHTTPHeader = s.headerName
	return nil
}

func (s *settings) checkSID() error {
	orDefault(&s.SessionIDLength, 16)
	if s.SessionIDLength < 16 || s.SessionIDLength > 64 {
		return configErrorf("sessionIDLength", "%d is not between 16 and 64", s.SessionIDLength)
	}
	s.sidBytes = int(s.SessionIDLength)
	if len(s.SessionIDPrefix) > maxSIDPrefix || !onlyAlphanumericOr(s.SessionIDPrefix, "_-.") {
		return configErrorf("sessionIDPrefix", "want at most %d letters, digits and _-.", maxSIDPrefix)
	}
	return nil
}

// checkSIDFits returns an error if the store uses sids as keys and they are longer than most characters. The length of a
// SessionIDGenerator's sids is known only when it is called, so only its minimum is checked.
func (s *settings) checkSIDFits(most int) error {
	length, least := 2*s.sidBytes, 2*16
	if s.SessionIDGenerator != nil {
		length, least = minGeneratedSID, minGeneratedSID
	}
	prefix := len(s.SessionIDPrefix)
	switch {
	case prefix+length <= most:
		return nil
	case prefix+least > most:
		return configErrorf("sessionIDPrefix", "the store takes sids of at most %d characters, so the prefix can have at most %d", most, most-least)
	}
	return configErrorf("sessionIDLength", "with sessionIDPrefix a sid has %d characters, but the store takes at most %d: want at most %d",
		prefix+length, most, (most-prefix)/2)
}

func (s *settings) checkNamespace() error {
	orDefault(&s.Namespace, s.SessionIDPrefix)
	if len(s.Namespace) > maxNamespace {
		return configErrorf("namespace", "%d bytes are more than %d", len(s.Namespace), maxNamespace)
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
	return nil
}

func (s *settings) checkCodec() error {
	usual := "compact"
	if s.Beego {
		usual = "gob"
	}
	orDefault(&s.Codec, usual)
	switch {
	case s.Codec != "compact" && s.Codec != "gob" && s.Codec != "json":
		return configErrorf("codec", `want "compact", "gob" or "json"`)
	case s.Beego && s.Codec != "gob":
		return configErrorf("codec", `beego can read only "gob"`)
	case s.Beego && len(s.EncryptionKeys) > 0:
		return configErrorf("encryptionKeys", "beego cannot read encrypted sessions")
	case len(s.EncryptionKeys) == 0:
		return nil
	}
	box, err := sealing.New("session: records at rest", s.EncryptionKeys...)
	if err != nil {
		return configErrorf("encryptionKeys", "%w", err)
	}
	names, err := sealing.NewNames("session: users at rest", s.EncryptionKeys...)
	if err != nil {
		return configErrorf("encryptionKeys", "%w", err)
	}
	s.seal = &merge.Seal{Box: box, Names: names, Namespace: s.Namespace}
	return nil
}

func (s *settings) checkCookieAge() error {
	if s.CookieLifeTime < -1 {
		return configErrorf("cookieLifeTime", "%d is negative", s.CookieLifeTime)
	}
	if s.CookieLifeTime > maxCookieAge {
		return configErrorf("cookieLifeTime", "%d is more than %d, the 400 days for which browsers keep a cookie",
			s.CookieLifeTime, maxCookieAge)
	}
	s.cookieMaxAge = max(s.CookieLifeTime, 0)
	return nil
}

func (s *settings) checkName() error {
	orDefault(&s.CookieName, "gosessionid")
	if !isToken(s.CookieName) {
		return configErrorf("cookieName", "a cookie name can contain only letters, digits and !#$%%&'*+-.^_`|~")
	}
	if len(s.CookieName) > maxCookieName {
		return configErrorf("cookieName", "%d bytes are more than %d", len(s.CookieName), maxCookieName)
	}
	return nil
}

// isToken reports whether name is a token, as the names of cookies and headers must be.
func isToken(name string) bool {
	return name != "" && onlyAlphanumericOr(name, "!#$%&'*+-.^_`|~")
}

func onlyAlphanumericOr(text, others string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		alphanumeric := '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
		return !alphanumeric && !strings.ContainsRune(others, r)
	})
}

// checkAttributes refuses attributes that net/http, and browsers too, would leave out of the cookie without an error.
func (s *settings) checkAttributes() error {
	orDefault(&s.CookiePath, "/")
	switch path := (&http.Cookie{Name: "n", Path: s.CookiePath}); {
	case len(s.CookiePath) > maxCookieAttr:
		return configErrorf("cookiePath", "%d bytes are more than %d", len(s.CookiePath), maxCookieAttr)
	case s.CookiePath[0] != '/':
		return configErrorf("cookiePath", `want a path that begins with "/"`)
	case path.Valid() != nil:
		return configErrorf("cookiePath", "it cannot contain control characters, semicolons or non-ASCII characters")
	}
	if s.Domain == "" {
		return nil
	}
	s.Domain = strings.TrimPrefix(s.Domain, ".")
	domain := &http.Cookie{Name: "n", Domain: s.Domain}
	if s.Domain == "" || strings.HasPrefix(s.Domain, ".") || strings.HasSuffix(s.Domain, ".") || domain.Valid() != nil {
		return configErrorf("domain", "want a host name such as example.com")
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
		return configErrorf("cookieSameSite", "%d is not one of default (1), lax (2), strict (3), none (4)", s.CookieSameSite)
	}
	if s.Partitioned && !s.Secure {
		return configErrorf("partitioned", "needs secure: true, or browsers drop the cookie")
	}
	return nil
}

// checkPrefix checks that the cookie keeps the promise of its name's prefix. Browsers ignore the case of the prefix.
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
		return configErrorf("cookieName", "the prefix needs an empty domain, or browsers drop the cookie")
	}
	return nil
}

// needsSecure reports whether browsers refuse the cookie without the attribute Secure.
func (s *settings) needsSecure() bool {
	name := strings.ToLower(s.CookieName)
	return s.Partitioned || s.CookieSameSite == http.SameSiteNoneMode || strings.HasPrefix(name, "__secure-") ||
		strings.HasPrefix(name, "__host-") || strings.HasPrefix(name, "__http-")
}

func (s *settings) checkHooks() error {
	switch {
	case s.CookieEncode != nil && s.CookieDecode == nil:
		return configErrorf("CookieDecode", "is not set, but CookieEncode is: the manager could not read its own cookies")
	case s.CookieDecode != nil && s.CookieEncode == nil:
		return configErrorf("CookieEncode", "is not set, but CookieDecode is: the manager could not read its own cookies")
	}
	return nil
}
