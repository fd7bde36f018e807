package redis

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
)

// A script runs atomically on the server. A comment at its beginning lists its arguments and results.
type script struct {
	text string
	hash any // a string, kept as the argument that it is in each call
}

var (
	//go:embed record.lua
	recordText string
	//go:embed save.lua
	saveText string
	//go:embed touch.lua
	touchText string
	//go:embed delete.lua
	deleteText string
	//go:embed evict.lua
	evictText string
	//go:embed leave.lua
	leaveText string
	//go:embed prune.lua
	pruneText string
	//go:embed rename.lua
	renameText string
	//go:embed reserve.lua
	reserveText string

	saveScript    = newScript(recordText + saveText)
	touchScript   = newScript(recordText + touchText)
	deleteScript  = newScript(recordText + deleteText)
	evictScript   = newScript(recordText + evictText)
	leaveScript   = newScript(recordText + leaveText)
	renameScript  = newScript(recordText + renameText)
	pruneScript   = newScript(pruneText)
	reserveScript = newScript(reserveText)
)

// newScript computes the hash by which Redis knows the script.
func newScript(text string) *script {
	sum := sha1.Sum([]byte(text))
	return &script{text, hex.EncodeToString(sum[:])}
}

// call returns a call of the script on one key.
func (s *script) call(key string, args ...any) *call { return s.callOn([]string{key}, args...) }

// callOn returns a call of the script on several keys.
func (s *script) callOn(keys []string, args ...any) *call {
	c := newCall("evalsha", s.hash, len(keys))
	for _, key := range keys {
		c.args = append(c.args, key)
	}
	c.args = append(c.args, args...)
	c.script, c.once = s, true
	return c
}
