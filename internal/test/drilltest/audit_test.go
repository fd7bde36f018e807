package drilltest

// audit looks at all sessions on all nodes, and at those that have ended on one node of each version.
func (d *drill) audit() {
	asked := make(map[string]bool)
	for _, n := range d.nodes {
		for _, a := range d.accounts {
			if len(a.cookies) > 0 {
				d.look(n, a)
			}
		}
		for _, g := range d.dead {
			if !asked[n.version] {
				d.checkDead(n, g)
			}
		}
		asked[n.version] = true
	}
}

// look compares everything in a session that nobody uses at the moment.
func (d *drill) look(n *node, a *account) {
	ans, err := n.ask("see", nil, a.cookies)
	d.counted("see")
	if err != nil {
		d.failed(n, loss{a.by, err.Error()})
		return
	}
	d.failed(n, a.expect("").compare(a.user, ans.Seen, a.begun)...)
	d.failed(n, d.cookieLosses("see", a.cookies, a, ans)...)
	a.cookies = a.cookies.take(ans.cookies)
}

// A token is what opens a session, or has opened it.
type token struct {
	user, by string // whose it is, and the version that has made it or, later, ended it
	cookies  jar
}

// bury checks that a session has ended everywhere, now and at the end of each phase.
func (d *drill) bury(by *node, user string, cookies jar) {
	if d.sealed {
		return
	}
	g := token{user, by.version, cookies}
	for _, n := range d.nodes {
		d.checkDead(n, g)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = append(d.dead, g)
}

func (d *drill) checkDead(n *node, g token) {
	ans, err := n.ask("see", nil, g.cookies)
	d.counted("dead")
	switch {
	case err != nil:
		d.lost(d.crossing("ended", g.by, n) + err.Error())
	case len(ans.Seen) > 0 || len(ans.cookies) > 0:
		d.lost(d.crossing("ended", g.by, n) + "a former cookie of " + g.user + " is still good for something")
	}
}
