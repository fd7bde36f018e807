package session_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed1a8f7c28/session"
)

// A config file contains all settings. Secrets come from the environment, and printing the config does not show them.
func ExampleParseConfig() {
	os.Setenv("SHOP_REDIS_PASSWORD", "s3cr3t")
	config, err := session.ParseConfig([]byte(`{
		"provider": "redis",
		"providerConfig": {"addr": "127.0.0.1:6379", "password": "${SHOP_REDIS_PASSWORD}"},
		"cookieName": "__Host-session",
		"secure": true,
		"cookieSameSite": "strict",
		"maxLifetime": "30m",
		"absoluteLifetime": "12h"
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.ProviderConfig)
	fmt.Println(config.Maxlifetime, "seconds")
	fmt.Println(config.AbsoluteLifetime)
	fmt.Println(config)
	// Output:
	// {"addr":"127.0.0.1:6379","password":"s3cr3t"}
	// 1800 seconds
	// 12h0m0s
	// ManagerConfig[enableSetCookie=true secure=true cookieName=__Host-session maxLifetime=1800 providerConfig=*** cookieSameSite=3 provider=redis absoluteLifetime=12h0m0s]
}

// The application reads its settings from a file. The file names the provider too.
func ExampleOpen() {
	path := filepath.Join(os.TempDir(), "session-example.json")
	if err := os.WriteFile(path, []byte(`{"provider": "memory", "maxLifetime": "30m"}`), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(path)

	config, err := session.LoadConfig(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := session.Open(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	fmt.Println(config)
	// Output:
	// ManagerConfig[enableSetCookie=true maxLifetime=1800 provider=memory]
}

// An error names the setting and its place in the text. It shows no value.
func ExampleParseConfig_error() {
	_, err := session.ParseConfig([]byte(`{
		"cookieName": "sid",
		"maxLifetimes": 3600
	}`))
	fmt.Println(err)

	_, err = session.ParseConfig([]byte(`{"secure": "yes"}`))
	fmt.Println(err)
	// Output:
	// session: config: maxLifetimes: unknown key (line 3, column 3); did you mean maxLifetime?
	// session: config: secure: want true or false (line 1, column 2)
}
