package sessionbeego_test

import (
	"log"

	"github.com/beego/beego/v2/server/web"

	"github.com/seed1a8f7c28/session"
	sessionbeego "github.com/seed1a8f7c28/session/contrib/beego"
	_ "github.com/seed1a8f7c28/session/redis"
)

func ExampleFilterChain() {
	sessions, err := session.NewManager("redis", session.NewManagerConfig(
		session.CfgCookieName("beegosessionID"), // SessionName of app.conf, with this default
		session.CfgProviderConfig("127.0.0.1:6379"),
	))
	if err != nil {
		log.Fatal(err)
	}
	go sessions.GC()
	defer sessions.Close()

	web.BConfig.WebConfig.Session.SessionOn = false
	web.GlobalSessions = sessionbeego.GlobalSessions()
	web.InsertFilterChain("/*", sessionbeego.FilterChain(sessions))
	web.Run()
}
