const out = document.getElementById("out"), events = new EventSource("/events")

events.onmessage = e => { out.textContent = e.data }
events.addEventListener("bye", ended)
events.onerror = () => { // the browser tries again, unless the server has refused it
	if (events.readyState === EventSource.CLOSED) ended()
}

function ended() {
	events.close()
	document.title = document.querySelector("h1").textContent = "Logged out"
	document.querySelectorAll(".live").forEach(e => e.remove())
	out.parentElement.className = "message error"
	out.parentElement.setAttribute("role", "alert")
	out.parentElement.textContent = out.dataset.ended
	const button = document.querySelector("form button")
	button.form.method = "get"
	button.form.action = "/"
	button.textContent = "Log in again"
}
