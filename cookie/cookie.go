// Package cookie keeps sessions in the clients' cookies, encrypted, under the provider name "cookie". Nothing
// is stored on the server:
//
//	import _ "github.com/seed1a8f7c28/session/cookie"
//
//	cfg, err := session.ParseConfig([]byte(`{"providerConfig": {"securityKey": "${SESSION_KEY}"}}`))
//	…
//	m, err := session.NewManager("cookie", cfg)
//
// What a store on the server promises and this one cannot: a cookie that was captured works until its
// deadlines, after a logout too; of two requests at the same time the one whose answer comes last wins; a
// session is at most about 12 kB, and travels with every request. Changes must be made before the first byte
// of the response body. Set absoluteLifetime: without it a captured cookie can be kept alive for ever.
//
// The provider config is a JSON object:
//
//	securityKey   a secret of at least 16 bytes; random ones, such as openssl rand -base64 32 prints
//	keys          or several: the first seals, all of them open, so that a new one can be put in front
//	maxCookies    how many cookies a session may take, each of 4096 bytes; 4 if absent
//	cookieName, secure, maxage
//	              as in beego: instead of the manager's cookieName, secure, cookieLifeTime
//	blockKey, securityName
//	              as in beego, used in beego mode alone: what beego sealed with securityKey and these is
//	              read, and sealed in this package's form
package cookie

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

func init() { session.Register(session.ProviderCookie, New()) }

// New returns a provider that keeps sessions in cookies, for [session.New].
func New() session.Provider { return session.NewClientProvider(Open) }

// config is what the package comment says.
type config struct {
	SecurityKey  string   `json:"securityKey"`
	Keys         []string `json:"keys"`
	MaxCookies   int      `json:"maxCookies"`
	CookieName   string   `json:"cookieName"`
	Secure       bool     `json:"secure"`
	MaxAge       int      `json:"maxage"`
	BlockKey     string   `json:"blockKey"`
	SecurityName string   `json:"securityName"`
}

const (
	defaultCookies = 4
	mostCookies    = 9 // one digit says how many
)

// Open makes the sealer that c.Config describes. Errors are a [*session.ConfigError].
func Open(_ context.Context, c driver.Config) (driver.Sealer, error) {
	cfg := config{MaxCookies: defaultCookies}
	if err := driver.ParseConfig(c.Config, &cfg); err != nil {
		return nil, err
	}
	if cfg.MaxCookies < 1 || cfg.MaxCookies > mostCookies {
		return nil, configError("maxCookies", fmt.Errorf("want 1 to %d", mostCookies))
	}
	field, secrets := "keys", cfg.Keys
	if cfg.SecurityKey != "" || len(secrets) == 0 {
		if len(secrets) > 0 {
			return nil, configError("securityKey", errors.New("want either this or keys"))
		}
		field, secrets = "securityKey", []string{cfg.SecurityKey}
	}
	box, err := newBox(secrets)
	if err != nil {
		return nil, configError(field, err)
	}
	s := &sealer{box: box, namespace: c.Namespace, cookies: driver.CookieConfig{
		Name: cfg.CookieName, Secure: cfg.Secure, MaxAge: cfg.MaxAge, Max: cfg.MaxCookies,
	}}
	if c.Beego {
		if s.beego, err = newBeego(cfg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// newBox refuses what was not replaced, too: everybody knows such a key.
func newBox(secrets []string) (*sealing.Box, error) {
	for _, secret := range secrets {
		if strings.HasPrefix(secret, "${") {
			return nil, errors.New("${…} is replaced in the text of a config alone: see session.ParseConfig")
		}
	}
	return sealing.New("session: cookie", secrets...)
}

func configError(field string, err error) error {
	return &driver.ConfigError{Field: "providerConfig." + field, Err: err}
}

// A sealer seals a record's binary form, padded:
//
//	version 1 | sealed(record | 0x80 | zeros to a multiple of 32)        all in base64url
//
// The seal covers the version, the cookie's name and the namespace too. The length tells an observer how
// much is in a session to within 32 bytes.
type sealer struct {
	box       *sealing.Box
	namespace string
	cookies   driver.CookieConfig
	beego     *beego // nil but in beego mode
}

const (
	version = 1
	padding = 32
)

// encoding is strict, so that a cookie in which only unused bits differ is another one.
var encoding = base64.RawURLEncoding.Strict()

// Cookies says what the provider config says of the cookies.
func (s *sealer) Cookies() driver.CookieConfig { return s.cookies }

// Seal implements [driver.Sealer].
func (s *sealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	n := len(rec.User) + len(rec.Alias) + len(rec.Meta) + len(rec.Data) + 3*padding
	about, mem := s.about(name, 2*n+1+sealing.Overhead)
	defer scratch.Put(mem)
	plain, err := rec.AppendBinary(about[len(about):])
	if err != nil {
		return dst, err
	}
	plain = append(plain, 0x80)
	for len(plain)%padding != 0 {
		plain = append(plain, 0)
	}
	sealed := s.box.Seal(append(plain[len(plain):], version), plain, about)
	return encoding.AppendEncode(dst, sealed), nil
}

// Open implements [driver.Sealer].
func (s *sealer) Open(name string, sealed []byte, rec *driver.Record) error {
	about, mem := s.about(name, encoding.DecodedLen(len(sealed)))
	defer scratch.Put(mem)
	raw, err := encoding.AppendDecode(about[len(about):], sealed)
	if err == nil && encoding.EncodedLen(len(raw)) == len(sealed) && len(raw) > 0 && raw[0] == version {
		if plain, _, err := s.box.Open(nil, raw[1:], about); err == nil {
			return open(plain, rec)
		}
	}
	if s.beego != nil {
		return s.beego.open(sealed, rec)
	}
	return driver.ErrNotFound
}

// open takes the padding off and fills rec.
func open(plain []byte, rec *driver.Record) error {
	end := len(plain) - 1
	for end >= 0 && plain[end] == 0 {
		end--
	}
	if end < 0 || plain[end] != 0x80 || rec.UnmarshalBinary(plain[:end]) != nil {
		return driver.ErrNotFound
	}
	return nil
}

// scratch is memory for what is needed no longer than a call.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// about returns what the seal is bound to, with room for n bytes behind it, in memory that the caller gives
// back.
func (s *sealer) about(name string, n int) (about []byte, mem *[]byte) {
	mem = scratch.Get().(*[]byte)
	*mem = slices.Grow((*mem)[:0], 1+len(name)+1+len(s.namespace)+n)
	about = append(append(*mem, version), name...)
	return append(append(about, 0), s.namespace...), mem
}
