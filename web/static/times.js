// Times in the reader's own zone.
"use strict";

for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  time.title = time.textContent;
  time.textContent = moment.toLocaleString([], {dateStyle: "medium", timeStyle: "medium"});
}
