package drilltest

import (
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
)

// A visitor sends requests with an account, which another visitor, its peer, may use at the same time.
type visitor struct {
	drill *drill
	*account
	name, peer string
	rand       *rand.Rand
}

// What visitors ask for, each as often as it is listed.
var (
	together = []string{"see", "see", "increment", "increment", "increment", "set", "set", "set", "delete"}
	alone    = append([]string{
		"see", "set", "set", "set", "label", "flash", "flash", "take", "login", "login", "regenerate", "logout",
	}, together...)
)

// step sends one request to one of the nodes.
func (v *visitor) step() {
	requests := alone
	if v.peer != "" {
		requests = together
	}
	request := requests[v.rand.IntN(len(requests))]
	if v.account.isEmpty() { // alone, after a logout
		request = "increment"
	}
	v.ask(v.drill.anyNode(v.rand), request)
}

// args say what exactly a request is to do.
func (v *visitor) args(request string) url.Values {
	args := url.Values{"key": {v.name}, "user": {v.user}, "n": {strconv.FormatInt(v.rand.Int64N(1<<20), 10)}}
	switch request {
	case "increment":
		args.Set("key", count)
	case "delete":
		own := slices.Sorted(maps.Keys(v.facts))
		own = slices.DeleteFunc(own, func(key string) bool { return !ownedBy(v.name, key) })
		if len(own) > 0 {
			args.Set("key", own[v.rand.IntN(len(own))])
		}
	}
	return args
}

// ask sends a request and compares what it has found, and what it answers, with what is to be expected.
func (v *visitor) ask(n *node, request string) {
	v.mu.Lock()
	args, want, cookies, own := v.args(request), v.expect(v.peer), v.cookies, int64(0)
	if request == "increment" {
		own = 1
	}
	v.begun += own
	v.mu.Unlock()
	ans, err := n.ask(request, args, cookies)
	v.drill.counted(request)
	if err != nil {
		v.drill.failed(n, loss{want.by, err.Error()})
		return
	}
	v.mu.Lock()
	v.drill.failed(n, want.compare(v.user, ans.Seen, v.begun-own)...)
	v.acked += own
	if request != "see" {
		v.made(ans.Made, n.version)
	}
	v.cookies = cookies.take(ans.cookies)
	v.drill.failed(n, v.drill.cookieLosses(request, cookies, v.account, ans)...)
	if request == "logout" {
		v.empty()
	}
	v.mu.Unlock()
	if request == "login" || request == "regenerate" || request == "logout" {
		v.drill.bury(n, v.user, cookies)
	}
}

// cookieLosses compares the Set-Cookie of an answer with what the request asks for.
func (d *drill) cookieLosses(request string, before jar, a *account, ans answer) []loss {
	var must, may bool
	switch request {
	case "login", "regenerate", "logout":
		must = true
	case "see", "take", "delete": // may find nothing to change; what is sealed may be due for another deadline
		may = d.sealed
	default:
		must = d.sealed || len(before) == 0
	}
	switch n := len(ans.cookies); {
	case n == 0 && must:
		return []loss{{a.by, request + " sets no cookie"}}
	case n > 0 && !must && !may:
		return []loss{{a.by, request + " of a visitor with a live cookie sets another"}}
	case request == "logout" && len(a.cookies) > 0:
		return []loss{{a.by, "logout leaves the cookie"}}
	}
	return nil
}
