// The running balance where staff allocate money: what is left of the chosen source, and what the sum typed so far would leave.
// Without this the choices and the table below the form say what is left, and the portal refuses what goes beyond it.
const source = document.getElementById("id_funding_source")
const sum = document.getElementById("id_amount")
const SUM = /^£?(\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(?:\.(\d{1,2})0*)?$/ // part of what vru_portal/text/sums.py reads

function pence(text) {
  const found = SUM.exec(text.trim())
  return found ? Number(found[1].replaceAll(",", "")) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null
}

function pounds(amount) {
  const places = amount % 100 ? 2 : 0
  const style = { style: "currency", currency: "GBP", minimumFractionDigits: places, maximumFractionDigits: places }
  return new Intl.NumberFormat("en-GB", style).format(amount / 100)
}

function say(balance) {
  const left = source.selectedOptions[0]?.dataset.left
  const asked = pence(sum.value)
  const after = Number(left) - asked
  balance.classList.toggle("over", left !== undefined && asked !== null && after < 0)
  if (left === undefined) balance.value = "Choose a source to see what is left of it."
  else if (asked === null) balance.value = `${pounds(Number(left))} is left of this source.`
  else if (after < 0) balance.value = `${pounds(-after)} more than is left: ${pounds(Number(left))} can be allocated.`
  else balance.value = `${pounds(Number(left))} is left. After this allocation: ${pounds(after)}.`
}

if (source && sum) {
  const balance = document.createElement("output")
  balance.htmlFor = "id_funding_source id_amount"
  balance.className = "help portal-balance"
  sum.closest(".flex-container").after(balance)
  source.addEventListener("change", () => say(balance))
  sum.addEventListener("input", () => say(balance))
  say(balance)
}
