package sessiontest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A sealer is a correct client-side store, as simple as can be.
type sealer struct {
	aead      cipher.AEAD
	namespace string
}

func openSealer(testing.TB) OpenSealer {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return func(_ context.Context, c driver.Config) (driver.Sealer, error) {
		return &sealer{aead, c.Namespace}, nil
	}
}

func (s *sealer) bound(name string) []byte { return fmt.Appendf(nil, "%q %q", s.namespace, name) }

func (s *sealer) Seal(dst []byte, name string, rec *driver.Record) ([]byte, error) {
	plain, err := rec.AppendBinary(nil)
	if err != nil {
		return dst, err
	}
	return base64.RawURLEncoding.AppendEncode(dst, s.aead.Seal(nil, nil, plain, s.bound(name))), nil
}

func (s *sealer) SealedSize(_ string, rec *driver.Record) int {
	return base64.RawURLEncoding.EncodedLen(rec.BinarySize() + s.aead.Overhead())
}

func (s *sealer) Open(name, sealed string, rec *driver.Record) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return session.ErrNotFound
	}
	plain, err := s.aead.Open(nil, nil, raw, s.bound(name))
	if err != nil {
		return session.ErrNotFound
	}
	return rec.UnmarshalBinary(plain)
}

// parted is a sealer that takes several cookies.
type parted struct {
	driver.Sealer
	most int
}

func (p parted) Cookies() driver.CookieConfig { return driver.CookieConfig{Max: p.most} }

func TestRunSealer(t *testing.T) {
	t.Run("one cookie", func(t *testing.T) { Run(t, Harness{Sealer: openSealer}) })
	for _, most := range []int{2, 4, 99} { // of which nine are used
		t.Run(fmt.Sprint(most, " cookies"), func(t *testing.T) {
			Run(t, Harness{Sealer: func(t testing.TB) OpenSealer {
				open := openSealer(t)
				return func(ctx context.Context, c driver.Config) (driver.Sealer, error) {
					s, err := open(ctx, c)
					return parted{s, most}, err
				}
			}})
		})
	}
}
