package sql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/naming"
)

// A watcher is a store whose dialect has a Watch.
type watcher struct{ *store }

// backend returns a backend with the interfaces that the dialect and the table support.
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
	if w.owned && w.pooled { // the connection that listens goes through the pooler too
		return w.fail(ctx, "watch", errDeaf)
	}
	return w.fail(ctx, "watch", w.dialect.Watch(ctx, w.db, w.channel, resync, func(payload string) {
		if payload == "" {
			resync()
		} else if id, err := hex.DecodeString(payload); err == nil && len(id) == naming.IDLen { // anybody can send other payloads
			destroyed(keyOf(id))
		}
	}))
}

var errDeaf = fmt.Errorf("%w: notices do not come through a pooler that gives each transaction another connection", errors.ErrUnsupported)

// channelOf returns the name of the channel for a namespace in a table. One node may use the bare table name and another
// the name with its schema, so the channel depends only on the bare name.
func channelOf(table, namespace string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(table[strings.LastIndexByte(table, '.')+1:]) + "\x00" + namespace))
	return "session_" + hex.EncodeToString(sum[:16])
}
