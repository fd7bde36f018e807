package cookie

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// beego reads cookies of beego's cookie provider (sess_cookie.go and sess_utils.go of beego). The value, in base64url with
// padding, is
//
//	seconds since 1970 | base64url(IV, AES-CTR(gob map)) | HMAC-SHA256
//
// The parts are separated by "|". The HMAC covers securityName, "|" and everything before the HMAC.
type beego struct {
	mac   []byte
	name  string
	block cipher.Block
}

// newBeego requires the settings that beego would generate anew at each start if they were missing.
func newBeego(cfg config) (*beego, error) {
	switch {
	case cfg.SecurityKey == "":
		return nil, configError("securityKey", errors.New("beego mode needs the value that beego used"))
	case cfg.SecurityName == "":
		return nil, configError("securityName", errors.New("beego mode needs the value that beego used"))
	}
	block, err := aes.NewCipher([]byte(cfg.BlockKey))
	if err != nil {
		return nil, configError("blockKey", errors.New("beego mode needs the value that beego used: 16, 24 or 32 bytes"))
	}
	return &beego{[]byte(cfg.SecurityKey), cfg.SecurityName, block}, nil
}

// open fills rec at version 0, with the time of the seal and the gob map.
func (b *beego) open(sealed string, rec *driver.Record) error {
	value, err := url.QueryUnescape(sealed) // beego escapes the value
	if err != nil {
		return driver.ErrNotFound
	}
	text, ok := decode(value)
	if !ok {
		return driver.ErrNotFound
	}
	parts := bytes.SplitN(text, []byte("|"), 3)
	if len(parts) != 3 {
		return driver.ErrNotFound
	}
	mac := hmac.New(sha256.New, b.mac)
	mac.Write([]byte(b.name + "|"))
	mac.Write(text[:len(text)-len(parts[2])])
	if !hmac.Equal(mac.Sum(nil), parts[2]) {
		return driver.ErrNotFound
	}
	seconds, err := strconv.ParseInt(string(parts[0]), 10, 64)
	if err != nil {
		return driver.ErrNotFound
	}
	data, ok := decode(string(parts[1]))
	if !ok || len(data) < aes.BlockSize {
		return driver.ErrNotFound
	}
	iv, values := data[:aes.BlockSize], data[aes.BlockSize:]
	cipher.NewCTR(b.block, iv).XORKeyStream(values, values)
	*rec = driver.Record{Created: time.Unix(seconds, 0), Data: values}
	return nil
}

// decode decodes text that beego has encoded. It accepts only the canonical encoding.
func decode(text string) (raw []byte, ok bool) {
	encoding := base64.URLEncoding.Strict()
	raw, err := encoding.DecodeString(text)
	return raw, err == nil && encoding.EncodedLen(len(raw)) == len(text)
}
