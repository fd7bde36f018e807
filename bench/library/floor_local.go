package library

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// A floorMemory is a map. Its byte slices are never changed.
type floorMemory struct {
	mu       sync.RWMutex
	sessions map[string][]byte
}

func newFloorMemory() *floorMemory { return &floorMemory{sessions: make(map[string][]byte)} }

func (f *floorMemory) load(_ context.Context, token string) ([]byte, error) {
	f.mu.RLock()
	data := f.sessions[token]
	f.mu.RUnlock()
	return alive(data)
}

func (f *floorMemory) create(ctx context.Context, data []byte) (string, error) {
	token := newFloorToken()
	_, err := f.save(ctx, token, data)
	return token, err
}

func (f *floorMemory) save(_ context.Context, token string, data []byte) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[token] = data
	return "", nil
}

// A floorSealer encrypts.
type floorSealer struct{ aead cipher.AEAD }

func newFloorSealer() floorSealer {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		panic(err) // cannot happen: the key has a valid length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return floorSealer{aead}
}

func (f floorSealer) load(_ context.Context, token string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || token == "" {
		return nil, errors.Join(workload.ErrNoSession, err)
	}
	data, err := f.aead.Open(sealed[:0], nil, sealed, nil)
	if err != nil {
		return nil, err
	}
	return alive(data)
}

func (f floorSealer) create(_ context.Context, data []byte) (string, error) {
	return base64.RawURLEncoding.EncodeToString(f.aead.Seal(nil, nil, data, nil)), nil
}

func (f floorSealer) save(ctx context.Context, _ string, data []byte) (string, error) {
	return f.create(ctx, data)
}

// A floorFile is a folder. Sessions are overwritten in place, without protection against a crash.
type floorFile string

func (f floorFile) path(token string) string { return filepath.Join(string(f), "s"+token) }

func (f floorFile) load(_ context.Context, token string) ([]byte, error) {
	data, err := os.ReadFile(f.path(token))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, workload.ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	return alive(data)
}

func (f floorFile) create(_ context.Context, data []byte) (string, error) {
	token := newFloorToken()
	return token, f.write(token, os.O_CREATE|os.O_EXCL, data)
}

func (f floorFile) save(_ context.Context, token string, data []byte) (string, error) {
	return "", f.write(token, 0, data)
}

func (f floorFile) write(token string, flag int, data []byte) error {
	file, err := os.OpenFile(f.path(token), os.O_WRONLY|flag, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(data, 0)
	return errors.Join(err, file.Close())
}
