package file

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
)

// Names of files and folders. Every name made from a key, a namespace, a user or an alias consists of lower-case letters,
// digits, - _ % and ~. It identifies its source uniquely, even on file systems that ignore case, and is short enough for
// every file system.
const (
	maxName     = 240
	keyPrefix   = "key-" // prefix of a key that is not a hash
	tempPrefix  = "tmp-"
	sessionsDir = "sessions"
	usersDir    = "users"
	aliasesDir  = "aliases"
	locksDir    = "locks"
)

// strictKey decodes a storage key and rejects other spellings of the same bytes.
var strictKey = base64.RawURLEncoding.Strict()

// A place is the location of a key's record.
type place struct {
	root  *os.Root
	shard byte   // the lock that guards it
	path  string // of the file, in root
	slash int    // index of the last one in path
}

func (p place) dir() string  { return p.path[:p.slash] }
func (p place) name() string { return p.path[p.slash+1:] }

// place returns the location of key's record. It returns false if the key is too long for a file name, so that no record
// can have it.
func (s *store) place(key string) (place, bool) {
	if len(key) > maxName {
		return place{}, false
	}
	sum, hashed := keySum(key)
	in := s.home.current.Load()
	var buf [2*maxName + 64]byte
	b := hex.AppendEncode(buf[:0], sum[:1])
	if in.deep {
		b = hex.AppendEncode(append(b, '/'), sum[1:2])
	}
	slash := len(b)
	if b = append(b, '/'); hashed {
		b = hex.AppendEncode(b, sum[:])
	} else {
		b = appendEscaped(append(b, keyPrefix...), key)
	}
	if len(b)-slash-1 > maxName {
		return place{}, false
	}
	return place{root: in.root, shard: sum[0], path: string(b), slash: slash}, true
}

// keySum returns the 32 bytes of a storage key, or the hash of any other key.
func keySum(key string) (sum [sha256.Size]byte, hashed bool) {
	var text [43]byte
	if len(key) == len(text) {
		copy(text[:], key)
		// The decoder skips line breaks; then fewer than 32 bytes remain.
		if n, err := strictKey.Decode(sum[:], text[:]); err == nil && n == len(sum) {
			return sum, true
		}
	}
	return sha256.Sum256([]byte(key)), false
}

// keyOf returns the key of the record with the given file name. It returns false for other files.
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

// folder returns the path of the folder that contains a term's markers.
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

// unhex decodes n bytes from lower-case hexadecimal digits.
func unhex(text string, n int) ([]byte, bool) {
	if len(text) != 2*n || text != strings.ToLower(text) {
		return nil, false
	}
	b, err := hex.DecodeString(text)
	return b, err == nil
}

// appendEscaped appends text, with every character except lower-case letters, digits, - and _ written as % and two digits.
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

// unescape reverses appendEscaped. It returns false for text that appendEscaped does not produce.
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
