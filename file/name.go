package file

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Names of files and folders. Whatever a key, a namespace, a user or an alias is, the name that is made of it has
// small letters, digits, - _ % and ~ alone, stands for it and no other, also where case does not count, and is
// short enough for every file system.
const (
	maxName     = 240
	keyPrefix   = "key-" // before a key that is no hash
	tempPrefix  = "tmp-"
	sessionsDir = "sessions"
	usersDir    = "users"
	aliasesDir  = "aliases"
	locksDir    = "locks"
)

// strictKey decodes a storage key, and refuses other spellings of the same bytes.
var strictKey = base64.RawURLEncoding.Strict()

// A place is where the record of a key is.
type place struct {
	shard byte   // which lock guards it
	path  string // of the file
	slash int    // the last one in path
}

func (p place) dir() string  { return p.path[:p.slash] }
func (p place) name() string { return p.path[p.slash+1:] }

// place returns where the record of key is. It reports false if the key is too long for a name, so that no
// record can have it.
func (s *store) place(key string) (place, bool) {
	if len(key) > maxName {
		return place{}, false
	}
	sum, hashed := keySum(key)
	var buf [2*maxName + 64]byte
	b := append(buf[:0], s.dir...)
	b = hex.AppendEncode(append(b, '/'), sum[:1])
	b = hex.AppendEncode(append(b, '/'), sum[1:2])
	slash := len(b)
	if b = append(b, '/'); hashed {
		b = hex.AppendEncode(b, sum[:])
	} else {
		b = appendEscaped(append(b, keyPrefix...), key)
	}
	if len(b)-slash-1 > maxName {
		return place{}, false
	}
	return place{shard: sum[0], path: string(b), slash: slash}, true
}

// keySum returns the 32 bytes of a storage key, or hashes a key that is none.
func keySum(key string) (sum [sha256.Size]byte, hashed bool) {
	var text [43]byte
	if len(key) == len(text) {
		copy(text[:], key)
		// Line breaks, which the decoder skips, leave less than 32 bytes.
		if n, err := strictKey.Decode(sum[:], text[:]); err == nil && n == len(sum) {
			return sum, true
		}
	}
	return sha256.Sum256([]byte(key)), false
}

// keyOf returns the key whose record has the given file name. It reports false for other files.
func keyOf(name string) (key string, ok bool) {
	if escaped, ok := strings.CutPrefix(name, keyPrefix); ok {
		return unescape(escaped)
	}
	sum, ok := unhex(name, sha256.Size)
	return base64.RawURLEncoding.EncodeToString(sum), ok
}

// namespaceFolder returns the name of the folder of a namespace.
func namespaceFolder(namespace string) string {
	if namespace == "" {
		return sessionsDir
	}
	if len(namespace) <= maxName {
		if name := string(appendEscaped([]byte(sessionsDir+"-"), namespace)); len(name) <= maxName {
			return name
		}
	}
	sum := sha256.Sum256([]byte(namespace))
	return sessionsDir + "~" + hex.EncodeToString(sum[:])
}

// folder returns the path of the folder of a term's markers.
func (x *index) folder(term string) string {
	sum := sha256.Sum256([]byte(term))
	name := hex.EncodeToString(sum[:])
	return x.dir + "/" + name[:2] + "/" + name
}

func tempName() string { return fmt.Sprintf("%s%016x", tempPrefix, rand.Uint64()) }

func isTemp(name string) bool {
	digits, ok := strings.CutPrefix(name, tempPrefix)
	if ok {
		_, ok = unhex(digits, 8)
	}
	return ok
}

// unhex decodes n bytes of small hexadecimal digits.
func unhex(text string, n int) ([]byte, bool) {
	if len(text) != 2*n || text != strings.ToLower(text) {
		return nil, false
	}
	b, err := hex.DecodeString(text)
	return b, err == nil
}

// appendEscaped appends text with all but small letters, digits, - and _ as % and two digits.
func appendEscaped(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; plain(c) {
			b = append(b, c)
		} else {
			b = hex.AppendEncode(append(b, '%'), []byte{c})
		}
	}
	return b
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// unescape undoes appendEscaped. It reports false for what that does not make.
func unescape(escaped string) (string, bool) {
	var text []byte
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c == '%' && i+2 < len(escaped) {
			b, ok := unhex(escaped[i+1:i+3], 1)
			if !ok {
				return "", false
			}
			c, i = b[0], i+2
		}
		text = append(text, c)
	}
	return string(text), string(appendEscaped(nil, string(text))) == escaped
}
