// Hoodiecrow with the configuration in a file: node serve.cjs FILE (its own bin needs a package that it does not name)
"use strict";
const config = JSON.parse(require("fs").readFileSync(process.argv[2], "utf-8"));
require("hoodiecrow-imap")(config).listen(config.port, "127.0.0.1");
