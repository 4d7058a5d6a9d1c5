/** Light or dark, before anything is drawn: the system's choice, unless the reader made one. A classic script. */

{
  const chosen = localStorage.getItem("cairn.console.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
