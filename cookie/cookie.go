// Package cookie keeps sessions in the clients' cookies, encrypted, under the provider name "cookie". Nothing is stored on
// the server:
//
//	import _ "github.com/seed1a8f7c28/session/cookie"
//
//	cfg, err := session.ParseConfig([]byte(`{"providerConfig": {"securityKey": "${SESSION_KEY}"}}`))
//	…
//	m, err := session.NewManager("cookie", cfg)
//
// This provider cannot keep some promises of stores on the server. A captured cookie works until its deadlines, even after
// a logout. Of two concurrent requests, the one whose response arrives last wins. A session has at most about 12 kB, and
// the browser sends it with every request. Changes must be made before the first byte of the response body. Set
// absoluteLifetime: without it, a captured cookie can be kept alive forever.
//
// The provider config is a JSON object:
//
//	securityKey   a secret of at least 16 bytes; use random bytes, such as the output of openssl rand -base64 32
//	keys          a list of secrets instead: the first one seals, all of them open, so you can put a new one in front
//	maxCookies    how many cookies a session may take, each of at most 4096 bytes; default 4
//	cookieName, secure, maxage
//	              as in beego; they replace the manager's cookieName, secure and cookieLifeTime
//	blockKey, securityName
//	              as in beego, only for beego mode: cookies that beego sealed with securityKey and these are
//	              read, and sealed again in this package's form
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

// New returns a provider that keeps sessions in cookies. Pass it to [session.New].
func New() session.Provider { return session.NewClientProvider(Open) }

// config is described in the package comment.
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
	mostCookies    = 9 // one digit holds their number
)

// Open makes the sealer that c.Config describes. Every error is a [*session.ConfigError].
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
			return nil, configError("securityKey", errors.New("set either securityKey or keys, not both"))
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

// newBox also refuses a placeholder that was not replaced, because everybody knows such a key.
func newBox(secrets []string) (*sealing.Box, error) {
	for _, secret := range secrets {
		if strings.HasPrefix(secret, "${") {
			return nil, errors.New("a placeholder ${…} is replaced only by session.ParseConfig")
		}
	}
	return sealing.New("session: cookie", secrets...)
}

func configError(field string, err error) error {
	return &driver.ConfigError{Field: "providerConfig." + field, Err: err}
}

// A sealer seals the padded binary form of a record. The format is this package's own:
//
//	version 1 | sealed(record | 0x80 | zeros to a multiple of 32)        all in base64url
//
// The seal also authenticates the version, the cookie's name and the namespace. The length reveals the size of a session to
// within 32 bytes.
type sealer struct {
	box       *sealing.Box
	namespace string
	cookies   driver.CookieConfig
	beego     *beego // only in beego mode
}

const (
	version = 1
	padding = 32
)

// encoding is strict: a cookie in which only unused bits differ does not decode.
var encoding = base64.RawURLEncoding.Strict()

// Cookies returns the cookie settings of the provider config.
func (s *sealer) Cookies() driver.CookieConfig { return s.cookies }

// sizes returns the length of rec with its padding, and its length sealed, before base64url.
func sizes(rec *driver.Record) (padded, raw int) {
	padded = (rec.BinarySize()/padding + 1) * padding
	return padded, 1 + padded + sealing.Overhead
}

// SealedSize implements [driver.SealSizer].
func (s *sealer) SealedSize(_ string, rec *driver.Record) int {
	_, raw := sizes(rec)
	return encoding.EncodedLen(raw)
}

// Seal implements [driver.Sealer].
func (s *sealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	padded, raw := sizes(rec)
	about, mem := s.about(name, padded+raw)
	defer scratch.Put(mem)
	plain, err := rec.AppendBinary(about[len(about):])
	if err != nil {
		return dst, err
	}
	plain = append(plain, 0x80)
	plain = append(plain, make([]byte, padded-len(plain))...)
	return encoding.AppendEncode(dst, s.box.Seal(append(plain[padded:], version), plain, about)), nil
}

// Open implements [driver.Sealer].
func (s *sealer) Open(name, sealed string, rec *driver.Record) error {
	about, mem := s.about(name, encoding.DecodedLen(len(sealed)))
	defer scratch.Put(mem)
	raw, err := encoding.AppendDecode(about[len(about):], []byte(sealed)) // the conversion makes no copy
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

// open removes the padding and fills rec.
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

// scratch provides memory that is needed only during a call.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// about returns the data to which the seal is bound, with room for n more bytes. The caller returns mem to scratch.
func (s *sealer) about(name string, n int) (about []byte, mem *[]byte) {
	mem = scratch.Get().(*[]byte)
	*mem = slices.Grow((*mem)[:0], 1+len(name)+1+len(s.namespace)+n)
	about = append(append(*mem, version), name...)
	return append(append(about, 0), s.namespace...), mem
}
