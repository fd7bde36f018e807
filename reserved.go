package session

import (
	"fmt"
	"strings"
)

// What this package keeps with a session beside the application's values, such as flash messages, stands
// among them, so that every engine and every codec holds it and it is merged, sealed and encrypted with them.
// Its keys are strings that begin with reservedPrefix. The application cannot set, read or list such keys.
const reservedPrefix = "\x01session."

// isReserved reports whether a key is one of this package's own.
func isReserved(key any) bool {
	k, ok := key.(string)
	return ok && len(k) > 0 && k[0] == reservedPrefix[0] && strings.HasPrefix(k, reservedPrefix)
}

var errReserved = fmt.Errorf("%w: keys that begin with U+0001 and %q are this package's own", ErrUnencodable, reservedPrefix[1:])
