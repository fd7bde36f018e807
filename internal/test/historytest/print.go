package historytest

import (
	"fmt"
	"strings"
	"time"
)

// most is the maximum number of calls shown of a history.
const most = 12

// String returns the rule, what is wrong, and the calls that show it.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", v.Rule, v.text)
	for i, e := range v.events {
		if i == most-1 && len(v.events) > most {
			fmt.Fprintf(&b, "    … and %d more\n", len(v.events)-i)
			break
		}
		who := "at the end "
		if e.client != 0 {
			who = fmt.Sprintf("c%d on n%d   ", e.client, e.node)
		}
		fmt.Fprintf(&b, "    %9.2f – %9.2f ms  %s %-7s %-42s %s\n",
			v.at(e.began), v.at(e.ended), who, e.subject(), e.does(v.key), e.comesTo(v.key))
	}
	return strings.TrimRight(b.String(), "\n")
}

func (v Violation) at(t time.Time) float64 {
	return float64(t.Sub(v.run.started)) / float64(time.Millisecond)
}

// subject returns the name of the session for which a call was made.
func (e *event) subject() string {
	switch {
	case e.on != nil:
		return e.on.name
	case e.made != nil:
		return e.made.name
	}
	return "–"
}

// does describes what a call does to a key.
func (e *event) does(key string) string {
	text := e.op
	if e.user != "" {
		text += " " + e.user
	}
	if e.op == "expire" {
		text += " " + e.lifetime.String()
	}
	var changes []string
	for _, c := range e.changes {
		if c.key == key || c.kind == "flush" || c.kind == "lifetime" && key == "" {
			changes = append(changes, c.String())
		}
	}
	if len(changes) > 0 {
		text += ": " + strings.Join(changes, ", ")
	}
	return text
}

func (c *change) String() string {
	switch c.kind {
	case "set":
		return fmt.Sprintf("set %s=%s", c.key, c.value)
	case "remove":
		return "remove " + c.key
	case "increment":
		return fmt.Sprintf("%s+%d", c.key, c.n)
	case "update":
		return "add " + c.value
	case "lifetime":
		return "lifetime " + (time.Duration(c.n) * time.Millisecond).String()
	}
	return c.kind
}

// comesTo describes how a call has ended, and what the session then has under a key.
func (e *event) comesTo(key string) string {
	var parts []string
	switch {
	case e.late:
		parts = append(parts, "replaced")
	case e.dead:
		parts = append(parts, "not there")
	case e.outcome == refused:
		parts = append(parts, "refused")
	case e.outcome == unclear:
		parts = append(parts, "unclear")
	case e.alive && (e.op == "start" || e.op == "look"):
		parts = append(parts, "found")
	default:
		parts = append(parts, "acknowledged")
	}
	if e.made != nil {
		parts = append(parts, "begins "+e.made.name)
	}
	if len(e.evicted) > 0 {
		parts = append(parts, fmt.Sprintf("ends %d others", len(e.evicted)))
	}
	if e.op == "list user" {
		parts = append(parts, fmt.Sprintf("%d sessions", len(e.listed)))
	}
	if e.saw != nil {
		parts = append(parts, e.saw.shown(key)...)
	}
	return strings.Join(parts, ", ")
}

// shown describes what a view has under a key, or its user.
func (v *view) shown(key string) []string {
	switch key {
	case "":
		return []string{whose(v.user)}
	case counterKey:
		return []string{fmt.Sprintf("n=%d", v.n)}
	case listKey:
		return []string{fmt.Sprintf("%d updates, the last %q", len(v.updates), strings.Join(v.updates[max(0, len(v.updates)-3):], " "))}
	}
	if value, ok := v.values[key]; ok {
		return []string{key + "=" + value}
	}
	return []string{"no " + key}
}
