package cookie_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// harness returns how the kit gets at the provider with this config.
func harness(config string) sessiontest.Harness {
	return sessiontest.Harness{
		Sealer: func(testing.TB) sessiontest.OpenSealer {
			return func(ctx context.Context, c driver.Config) (driver.Sealer, error) {
				c.Config = config
				return cookie.Open(ctx, c)
			}
		},
		Floor: floorOfKit,
	}
}

func floorOfKit(t testing.TB) func(write bool) error {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	sealed := aead.Seal(nil, nil, make([]byte, 224), nil)
	return func(write bool) error {
		plain, err := aead.Open(nil, nil, sealed, nil)
		if write {
			aead.Seal(nil, nil, plain, nil)
		}
		return err
	}
}

func TestContract(t *testing.T) {
	for name, config := range map[string]string{
		"default":      oneKey,
		"one cookie":   `{"securityKey": "a secret of the tests", "maxCookies": 1}`,
		"nine cookies": `{"securityKey": "a secret of the tests", "maxCookies": 9}`,
	} {
		t.Run(name, func(t *testing.T) { sessiontest.Run(t, harness(config)) })
	}
}

func BenchmarkContract(b *testing.B) { sessiontest.Bench(b, harness(oneKey)) }
