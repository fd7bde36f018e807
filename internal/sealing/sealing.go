// Package sealing encrypts and authenticates small pieces of data, for records in a store and for cookies. It can use
// several keys.
package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

const (
	// MinSecret is the minimum length of a secret, in bytes.
	MinSecret = 16

	// Overhead is how many bytes a sealed text is longer than its plaintext.
	Overhead = idSize + 12 + 16

	idSize = 4
)

// ErrOpen is the only error of Open, whatever is wrong.
var ErrOpen = errors.New("sealed text does not open")

// A Box seals with its first key and opens with any. The sealed form, which uses AES-256-GCM, is
//
//	0   4  which key
//	4  12  random nonce
//	16     ciphertext, with a tag of 16 bytes at the end
//
// With random nonces one key is safe for 2^32 texts (NIST SP 800-38D, section 8.3). A service that seals a thousand times a
// second must change the key within seven weeks. A Box is safe for concurrent use.
type Box struct{ keys []key }

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// New derives a key from each secret with HKDF-SHA-256 (RFC 5869). Keys for different purposes are independent. A secret
// that is too short or given twice is an error, which names its position, counted from 1.
func New(purpose string, secrets ...string) (*Box, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no key is given")
	}
	b := new(Box)
	for i, secret := range secrets {
		if len(secret) < MinSecret {
			return nil, fmt.Errorf("key %d has %d bytes, at least %d are needed", i+1, len(secret), MinSecret)
		}
		if slices.Contains(secrets[:i], secret) {
			return nil, fmt.Errorf("key %d was given before", i+1)
		}
		derived, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 32+idSize)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(derived[:32])
		if err != nil {
			return nil, err
		}
		k := key{id: [idSize]byte(derived[32:])}
		if k.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		b.keys = append(b.keys, k)
	}
	return b, nil
}

// Seal appends the sealed plaintext to dst. It authenticates additional too, but does not include it.
func (b *Box) Seal(dst, plaintext, additional []byte) []byte {
	k := &b.keys[0]
	return k.aead.Seal(append(dst, k.id[:]...), nil, plaintext, additional)
}

// Open appends to dst the plaintext of sealed. additional must be that of Seal. first reports whether the first key has
// sealed it.
func (b *Box) Open(dst, sealed, additional []byte) (plain []byte, first bool, err error) {
	if len(sealed) < Overhead {
		return dst, false, ErrOpen
	}
	id := [idSize]byte(sealed)
	for i := range b.keys {
		k := &b.keys[i]
		if k.id != id {
			continue
		}
		if plaintext, err := k.aead.Open(dst, nil, sealed[idSize:], additional); err == nil {
			return plaintext, i == 0, nil
		}
	}
	return dst, false, ErrOpen
}
