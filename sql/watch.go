package sql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
)

// A watcher is a store of a dialect that has a Watch.
type watcher struct{ *store }

// backend returns what the dialect, and the table, can do.
func (s *store) backend() driver.Backend {
	switch {
	case s.beego:
		return &beego{s}
	case s.dialect.Watch != nil:
		return watcher{s}
	}
	return s
}

// Watch implements [driver.Watcher].
func (w watcher) Watch(ctx context.Context, resync func(), destroyed func(key string)) error {
	if w.owned && w.pooled { // who listens goes the same way
		return w.fail(ctx, "watch", errDeaf)
	}
	return w.fail(ctx, "watch", w.dialect.Watch(ctx, w.db, w.channel, resync, func(payload string) {
		if payload == "" {
			resync()
		} else if id, err := hex.DecodeString(payload); err == nil && len(id) == idLen { // anybody may send others
			destroyed(keyOf(id))
		}
	}))
}

var errDeaf = fmt.Errorf("%w: nothing is heard through a pooler that gives each transaction another connection", errors.ErrUnsupported)

// channelOf returns a name for what is said about a namespace in a table, which one node may call by its bare name and
// another by its schema's too.
func channelOf(table, namespace string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(table[strings.LastIndexByte(table, '.')+1:]) + "\x00" + namespace))
	return "session_" + hex.EncodeToString(sum[:16])
}
