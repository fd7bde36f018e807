package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Names encrypts names so that they can be looked up in encrypted form: the same name always gives the same text, which
// reveals only that it is the same. It uses AES-256-GCM with a nonce derived from the name by HMAC-SHA256, as in SIV (RFC
// 5297), so that a nonce repeats only for the same name. The keys are derived from the secrets of a [Box] for another
// purpose. Names is safe for concurrent use.
type Names struct{ keys []nameKey }

type nameKey struct {
	mac  []byte
	aead cipher.AEAD
}

// NewNames is [New] for names. The caller has checked the secrets with New.
func NewNames(purpose string, secrets ...string) (*Names, error) {
	n := new(Names)
	for _, secret := range secrets {
		derived, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 64)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(derived[:32])
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		n.keys = append(n.keys, nameKey{derived[32:], aead})
	}
	return n, nil
}

// Seal returns name encrypted under each key, the first key first, in base64url characters. It authenticates about too.
func (n *Names) Seal(name, about string) []string {
	sealed := make([]string, len(n.keys))
	for i, k := range n.keys {
		mac := hmac.New(sha256.New, k.mac)
		mac.Write([]byte(about))
		mac.Write([]byte{0})
		mac.Write([]byte(name))
		nonce := mac.Sum(nil)[:k.aead.NonceSize()]
		sealed[i] = base64.RawURLEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(name), []byte(about)))
	}
	return sealed
}

// Open returns the name that Seal encrypted with the same about, under any of the keys.
func (n *Names) Open(sealed, about string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrOpen
	}
	for _, k := range n.keys {
		if len(b) < k.aead.NonceSize() {
			break
		}
		name, err := k.aead.Open(nil, b[:k.aead.NonceSize()], b[k.aead.NonceSize():], []byte(about))
		if err == nil {
			return string(name), nil
		}
	}
	return "", ErrOpen
}
