package session

import (
	"net/http"
	"strings"
)

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

// needsSecure reports whether browsers refuse the cookie without the attribute Secure.
func (s *settings) needsSecure() bool {
	name := strings.ToLower(s.CookieName)
	return s.Partitioned || s.CookieSameSite == http.SameSiteNoneMode || strings.HasPrefix(name, "__secure-") ||
		strings.HasPrefix(name, "__host-") || strings.HasPrefix(name, "__http-")
}

func (s *settings) checkHooks() error {
	switch {
	case s.CookieEncode != nil && s.CookieDecode == nil:
		return configErrorf("CookieDecode", "is not set, but CookieEncode is: no cookie would be understood")
	case s.CookieDecode != nil && s.CookieEncode == nil:
		return configErrorf("CookieEncode", "is not set, but CookieDecode is: no cookie would be understood")
	}
	return nil
}
