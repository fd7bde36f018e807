package session_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"
)

// comparedSids are the comparisons of sids in the repository. Unless the text says otherwise, both are of one request:
// its client has sent them, or is about to get them, and learns nothing of anybody else's from how long it takes.
// Whether a sid that came names a session is found out by a look-up of its SHA-256, or in a map.
var comparedSids = map[string]string{
	"login.go: sid == s.sid":                   "whether a new sid is the one that the Session has",
	"engine_stored_move.go: sid == s.sid":      "the same, after the request has moved",
	"engine_stored_move.go: s.sid == sid":      "the same",
	"reply.go: c.sid == a.r.original":          "which of the request's cookies is left as it is",
	"destroy.go: c.sid == sid":                 "whether the request carries its own session's sid",
	"engine_sealed.go: s.sid != was":           "whether another Session of the request was changed; sealed cookies, not sids",
	"engine_sealed.go: was != sid":             "the same",
	"reply.go: a.r.current() != a.r.original":  "whether another Session of the request has given it a new sid",
	"sid.go: sid[:n] != m.cfg.SessionIDPrefix": "the prefix is no secret",
	"sid.go: sid[:n] == m.cfg.SessionIDPrefix": "the same",

	"internal/sealing/sealing.go: slices.Contains(secrets[:i], secret)": "the config's own keys, when it is read",
}

// secretNames are what variables and fields are called that hold a sid, or what must not be guessed byte by byte.
var secretNames = []string{"sid", "sids", "original", "was", "mac", "macs", "hmac", "signature", "secret", "secrets"}

// comparing are functions whose time tells how far two values are alike.
var comparing = []string{
	"bytes.Equal", "bytes.Compare", "bytes.HasPrefix", "bytes.HasSuffix", "bytes.Contains", "bytes.EqualFold",
	"strings.Compare", "strings.HasPrefix", "strings.HasSuffix", "strings.Contains", "strings.EqualFold",
	"slices.Equal", "slices.Compare", "slices.Contains", "slices.Index", "reflect.DeepEqual", "cmp.Compare",
}

// No secret is compared byte by byte: a MAC with hmac.Equal alone, a sid not at all, but for those of one request.
func TestSecretsAreNotComparedByteByByte(t *testing.T) {
	found := make(map[string]bool)
	constant := 0
	goFiles(t, false, func(name string, f *ast.File) {
		if !ships(name) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "hmac.Equal" {
				constant++
			}
			if x, ok := comparison(n); ok {
				found[name+": "+x] = true
			}
			return true
		})
	})
	for _, x := range slices.Sorted(maps.Keys(found)) {
		if comparedSids[x] == "" {
			t.Errorf("%s\n\tcompares a secret byte by byte", x)
		}
	}
	for x := range comparedSids {
		if !found[x] {
			t.Errorf("%s\n\tis not there any more", x)
		}
	}
	if constant == 0 {
		t.Error("nothing was found that is compared in constant time: what does the test read?")
	}
}

// ships reports whether a file becomes part of an application.
func ships(name string) bool {
	for _, folder := range []string{
		"bench/", "contrib/frameworks/", "examples/", "sessiontest/", "tools/",
		"internal/test/drilltest/", "internal/test/faulttest/", "internal/test/goroutines/",
		"internal/test/historytest/", "internal/test/proctest/", "internal/test/rawhttp/", "internal/test/servertest/", "internal/test/sqltest/",
	} {
		if strings.HasPrefix(name, folder) {
			return false
		}
	}
	return true
}

// comparison returns n as text if it compares a secret with what is not a constant.
func comparison(n ast.Node) (text string, ok bool) {
	var operands []ast.Expr
	switch x := n.(type) {
	case *ast.BinaryExpr:
		if x.Op == token.EQL || x.Op == token.NEQ {
			operands = []ast.Expr{x.X, x.Y}
		}
	case *ast.CallExpr:
		if slices.Contains(comparing, types.ExprString(x.Fun)) {
			operands = x.Args
		}
	}
	secret := false
	for _, x := range operands {
		if isConstant(x) {
			return "", false
		}
		secret = secret || isSecret(x)
	}
	if !secret {
		return "", false
	}
	return types.ExprString(n.(ast.Expr)), true
}

func isConstant(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return x.Name == "nil" || x.Name == "true" || x.Name == "false"
	}
	return false
}

// isSecret reports whether x is a secret, or a part or a sum of one. A length is none, nor what a function makes of it.
func isSecret(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return slices.Contains(secretNames, strings.ToLower(x.Name))
	case *ast.SelectorExpr:
		return isSecret(x.Sel)
	case *ast.IndexExpr:
		return isSecret(x.X)
	case *ast.SliceExpr:
		return isSecret(x.X)
	case *ast.ParenExpr:
		return isSecret(x.X)
	case *ast.StarExpr:
		return isSecret(x.X)
	case *ast.CallExpr:
		switch fun := x.Fun.(type) {
		case *ast.SelectorExpr: // of a hash; not a checksum's Sum32
			return fun.Sel.Name == "Sum"
		case *ast.ArrayType, *ast.Ident: // a conversion
			return len(x.Args) == 1 && types.ExprString(fun) != "len" && isSecret(x.Args[0])
		}
	}
	return false
}

// What the test looks for is found where it is.
func TestComparison(t *testing.T) {
	for text, want := range map[string]bool{
		"bytes.Equal(mac.Sum(nil), parts[2])":  true,
		"bytes.Equal(want, mac)":               true,
		"string(mac) == string(given)":         true,
		"sid == stored":                        true,
		"signature[:4] != other":               true,
		"strings.HasPrefix(s.sid, given)":      true,
		"hmac.Equal(mac.Sum(nil), parts[2])":   false,
		"sid == \"\"":                          false,
		"len(sid) == n":                        false,
		"bytes.Equal(rec.Data, other)":         false,
		"strings.HasPrefix(sid, \"a\")":        false,
		"m.storageKey(sid) == m.storageKey(x)": false,
	} {
		x, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := comparison(x); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
