package fakecouchbase

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// mechanisms is what SASL_LIST_MECHS answers, the strongest first.
const mechanisms = "SCRAM-SHA512 SCRAM-SHA256 SCRAM-SHA1 PLAIN"

var scramHashes = map[string]func() hash.Hash{
	"SCRAM-SHA512": sha512.New,
	"SCRAM-SHA256": sha256.New,
	"SCRAM-SHA1":   sha1.New,
}

// scramIterations is the least that RFC 5802 allows. Tests connect often, so more would only make them slow.
const scramIterations = 4096

// scramKeys holds what a server stores of a password, for each mechanism. It is computed once.
type scramKeys struct {
	password string
	mu       sync.Mutex
	byName   map[string]scramKey
}

type scramKey struct {
	newHash           func() hash.Hash
	salt              []byte
	storedKey, server []byte
}

func (k *scramKeys) get(mechanism string) (scramKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.byName[mechanism]; ok {
		return key, true
	}
	newHash, ok := scramHashes[mechanism]
	if !ok {
		return scramKey{}, false
	}
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(newHash, k.password, salt, scramIterations, newHash().Size())
	if err != nil {
		panic(err) // only in FIPS mode, where the salt would be too short
	}
	key := scramKey{
		newHash:   newHash,
		salt:      salt,
		storedKey: digest(newHash, mac(newHash, salted, "Client Key")),
		server:    mac(newHash, salted, "Server Key"),
	}
	if k.byName == nil {
		k.byName = map[string]scramKey{}
	}
	k.byName[mechanism] = key
	return key, true
}

func mac(newHash func() hash.Hash, key []byte, message string) []byte {
	h := hmac.New(newHash, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

func digest(newHash func() hash.Hash, b []byte) []byte {
	h := newHash()
	h.Write(b)
	return h.Sum(nil)
}

// A scramExchange is an authentication between its first and its second message.
type scramExchange struct {
	mechanism   string
	key         scramKey
	known       bool // the user exists; a stranger is told only at the end
	header      string
	clientFirst string
	serverFirst string
	nonce       string
}

// saslAuth begins an authentication. A connection that already has a user loses it.
func (c *connection) saslAuth(q request) response {
	c.authenticated, c.bucket, c.exchange = false, false, nil
	mechanism := string(q.key)
	if mechanism == "PLAIN" {
		return c.plain(string(q.value))
	}
	key, ok := c.server.scram.get(mechanism)
	if !ok {
		return failure(authError, "unknown mechanism")
	}
	x := &scramExchange{mechanism: mechanism, key: key}
	user, clientNonce, ok := x.parseFirst(string(q.value))
	if !ok {
		return failure(invalid, "malformed first message of the client")
	}
	x.known = user == c.server.options.Username
	x.nonce = clientNonce + rand.Text()
	x.serverFirst = fmt.Sprintf("r=%s,s=%s,i=%d", x.nonce, base64.StdEncoding.EncodeToString(key.salt), scramIterations)
	c.exchange = x
	return response{status: authContinue, value: []byte(x.serverFirst)}
}

// plain checks a message of authorization identity, user and password. Couchbase leaves the first one empty.
func (c *connection) plain(message string) response {
	parts := strings.Split(message, "\x00")
	if len(parts) != 3 {
		return failure(invalid, "malformed PLAIN message")
	}
	if parts[1] != c.server.options.Username || parts[2] != c.server.options.Password {
		return failure(authError, "")
	}
	c.authenticated = true
	return response{}
}

// parseFirst reads the first message: a header that says "no channel binding", the user and the client's nonce.
func (x *scramExchange) parseFirst(message string) (user, nonce string, ok bool) {
	parts := strings.SplitN(message, ",", 3)
	if len(parts) != 3 || parts[0] != "n" && parts[0] != "y" {
		return "", "", false
	}
	x.header = parts[0] + "," + parts[1] + ","
	x.clientFirst = parts[2]
	fields := strings.Split(parts[2], ",")
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "n=") || !strings.HasPrefix(fields[1], "r=") {
		return "", "", false
	}
	user = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(fields[0][2:])
	return user, fields[1][2:], true
}

// saslStep ends a SCRAM authentication.
func (c *connection) saslStep(q request) response {
	x := c.exchange
	c.exchange = nil
	if x == nil || x.mechanism != string(q.key) {
		return failure(invalid, "no authentication is under way with this mechanism")
	}
	signature, ok := x.verify(string(q.value))
	if !ok {
		return failure(authError, "")
	}
	c.authenticated = true
	return response{value: []byte("v=" + base64.StdEncoding.EncodeToString(signature))}
}

// verify checks the proof of the client's final message. It returns the signature that proves the server in turn.
func (x *scramExchange) verify(final string) ([]byte, bool) {
	withoutProof, encoded, ok := strings.Cut(final, ",p=")
	if !ok || withoutProof != "c="+base64.StdEncoding.EncodeToString([]byte(x.header))+",r="+x.nonce {
		return nil, false
	}
	proof, err := base64.StdEncoding.DecodeString(encoded)
	message := x.clientFirst + "," + x.serverFirst + "," + withoutProof
	clientKey := mac(x.key.newHash, x.key.storedKey, message)
	if err != nil || len(proof) != len(clientKey) {
		return nil, false
	}
	for i := range clientKey {
		clientKey[i] ^= proof[i]
	}
	if !x.known || !bytes.Equal(digest(x.key.newHash, clientKey), x.key.storedKey) {
		return nil, false
	}
	return mac(x.key.newHash, x.key.server, message), true
}
