package session

import (
	"strings"
	"testing"
)

// FuzzForwarded reads what a client may have sent as Forwarded: the scheme that is found stands in the header, and without
// quotes and escapes it is what a plain search finds.
func FuzzForwarded(f *testing.F) {
	f.Add(`for=192.0.2.60;proto=https;by=203.0.113.43, for=198.51.100.17`)
	f.Add(`for="[2001:db8::1]:4711";PROTO="ht\tps"`)
	f.Add(` , ;;=;proto="https`)
	f.Fuzz(func(t *testing.T, header string) {
		scheme := parameter(firstMember([]string{header}), "proto")
		if strings.ContainsAny(header, `"\`) {
			if len(scheme) > len(header) {
				t.Errorf("%q is longer than the header", scheme)
			}
			return
		}
		want, found := "", false
		for member := range strings.SplitSeq(header, ",") {
			if member = strings.Trim(member, " \t"); member == "" {
				continue
			}
			for pair := range strings.SplitSeq(member, ";") {
				key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
				if ok && !found && strings.EqualFold(key, "proto") {
					want, found = value, true
				}
			}
			break
		}
		if scheme != want {
			t.Errorf("found %q, want %q", scheme, want)
		}
	})
}
