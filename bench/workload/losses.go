package workload

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Losses describe what happens to changes of concurrent requests.
type Losses struct {
	Kept   int    // how many of the keys that Writers requests set at the same time are there afterwards
	Undone Undone // what is there after a logout, if a request that began before it stores a value afterwards
	Shared bool   // whether a list that one request changed in place, without storing it, is changed for the next request
}

// Undone says what a session contains after its logout.
type Undone string

// The values of Undone.
const (
	Nothing   Undone = "no"
	OneValue  Undone = "that value"
	AllValues Undone = "yes"
	Panics    Undone = "the late request panics"
	Hangs     Undone = "the late request panics, and later ones wait without end"
)

// Lose finds out what app loses, with a separate session for each question.
func Lose(app *App) (l Losses, err error) {
	if l.Kept, err = keptOf(app); err != nil {
		return l, fmt.Errorf("concurrent writers: %w", err)
	}
	if l.Shared, err = shared(app); err != nil {
		return l, fmt.Errorf("shared value: %w", err)
	}
	// This comes last, because a library may not survive it.
	if l.Undone, err = undone(app); err != nil {
		return l, fmt.Errorf("logout: %w", err)
	}
	return l, nil
}

func begin(app *App) (cookie string, err error) {
	c := app.NewClient(Op{Kind: Begin})
	err = c.Send("")
	return c.Cookies(""), err
}

// patience is how long a request waits for other requests, which a library may not run at the same time.
const patience = 3 * time.Second

// keptOf has Writers requests load a session before the first of them stores anything.
func keptOf(app *App) (int, error) {
	cookie, err := begin(app)
	if err != nil {
		return 0, err
	}
	var all, loaded sync.WaitGroup
	loaded.Add(Writers)
	full := make(chan struct{})
	go func() { loaded.Wait(); close(full) }()
	var mu sync.Mutex
	last := cookie // a browser keeps the cookie that came last
	for n := range Writers {
		c := app.NewClient(Op{Kind: SetKey, Key: writerKey(n), Between: func() {
			loaded.Done()
			wait(full)
		}})
		all.Go(func() {
			if recovered(c, cookie) == nil {
				mu.Lock()
				last = c.Cookies(cookie)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	count := app.NewClient(Op{Kind: Count})
	if err := count.Send(last); err != nil {
		return 0, err
	}
	return strconv.Atoi(count.Body())
}

func wait(c <-chan struct{}) {
	select {
	case <-c:
	case <-time.After(patience):
	}
}

// undone logs out while another request has the session loaded, which then stores a value.
func undone(app *App) (Undone, error) {
	cookie, err := begin(app)
	if err != nil {
		return "", err
	}
	out := make(chan struct{})
	var outErr error
	late := app.NewClient(Op{Kind: Write, Between: func() {
		go func() {
			outErr = recovered(app.NewClient(Op{Kind: Logout}), cookie)
			close(out)
		}()
		wait(out)
	}})
	if err := recovered(late, cookie); errors.Is(err, errPanic) { // another error says that the session is gone
		return serves(app), nil
	}
	<-out
	if outErr != nil {
		return "", outErr
	}
	if app.NewClient(Op{Kind: ReadAll}).Send(cookie) == nil {
		return AllValues, nil
	}
	if app.NewClient(Op{Kind: Read}).Send(cookie) == nil {
		return OneValue, nil
	}
	return Nothing, nil
}

// serves says whether others are served after a panic.
func serves(app *App) Undone {
	served := make(chan struct{})
	go func() {
		_ = recovered(app.NewClient(Op{Kind: Begin}), "")
		close(served)
	}()
	select {
	case <-served:
		return Panics
	case <-time.After(patience):
		return Hangs
	}
}

var errPanic = errors.New("the handler panics")

// recovered sends a request and survives a panic of its handler, as a server does.
func recovered(c Client, cookie string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errPanic, v)
		}
	}()
	return c.Send(cookie)
}

func shared(app *App) (bool, error) {
	cookie, err := begin(app)
	if err != nil {
		return false, err
	}
	if err := app.NewClient(Op{Kind: Corrupt}).Send(cookie); err != nil {
		return false, err
	}
	c := app.NewClient(Op{Kind: Roles})
	err = c.Send(cookie)
	return c.Body() == changed, err
}
