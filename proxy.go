package session

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// unixProxy is the entry of TrustedProxies for proxies that connect by a Unix socket.
const unixProxy = "unix"

// proxiedTLS reports whether a trusted proxy says that its client's connection is encrypted.
func (r *request) proxiedTLS() bool {
	if len(r.m.cfg.TrustedProxies) == 0 {
		return false
	}
	encrypted := isTLS(firstMember(r.x.RequestHeader("X-Forwarded-Proto"))) ||
		isTLS(parameter(firstMember(r.x.RequestHeader("Forwarded")), "proto"))
	return encrypted && r.m.cfg.trusts(r.x.RemoteAddr())
}

// isTLS reports whether a scheme is one over TLS.
func isTLS(scheme string) bool {
	return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "wss")
}

// trusts reports whether remote is the address of a trusted proxy. The address of a Unix socket is a path, begins with "@",
// or is empty.
func (s *settings) trusts(remote string) bool {
	if remote == "" || remote[0] == '@' || remote[0] == '/' {
		return slices.Contains(s.TrustedProxies, unixProxy)
	}
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		port, err := netip.ParseAddrPort(remote)
		if err != nil {
			return false
		}
		addr = port.Addr()
	}
	addr = addr.Unmap()
	return slices.ContainsFunc(s.trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// firstMember returns the first member of a list that may be spread over several lines of a header. Each proxy appends a
// member, so the first one describes the client.
func firstMember(lines []string) string {
	for _, line := range lines {
		for line != "" {
			var member string
			if member, line = cutUnquoted(line, ','); member != "" {
				return member
			}
		}
	}
	return ""
}

// parameter returns a parameter of a member of the header Forwarded, in the syntax of RFC 7239.
func parameter(member, name string) string {
	for member != "" {
		var pair string
		pair, member = cutUnquoted(member, ';')
		if key, value, ok := strings.Cut(pair, "="); ok && strings.EqualFold(key, name) {
			return unquoted(value)
		}
	}
	return ""
}

// cutUnquoted is strings.Cut at the first sep outside quotes. It trims the spaces around the part before it.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '\\' && quoted:
			i++
		case s[i] == sep && !quoted:
			return strings.Trim(s[:i], " \t"), s[i+1:]
		}
	}
	return strings.Trim(s, " \t"), ""
}

// unquoted returns the value of a token or a quoted string, or "" if the quoted string does not end.
func unquoted(s string) string {
	if s == "" || s[0] != '"' {
		return s
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"' && i == len(s)-1:
			return text.String()
		case s[i] == '"':
			return ""
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		text.WriteByte(s[i])
	}
	return ""
}

func (s *settings) checkProxies() error {
	for i, text := range s.TrustedProxies {
		if text == unixProxy {
			continue
		}
		prefix, err := parseProxy(text)
		if err != nil {
			return configErrorf("trustedProxies", "entry %d is not an address, a CIDR or unix", i+1)
		}
		s.trusted = append(s.trusted, prefix)
	}
	return nil
}

// parseProxy parses an address or a CIDR. An IPv4 address in IPv6 form becomes IPv4, as it does in a client's address.
func parseProxy(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, errors.New("not an address")
		}
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}
