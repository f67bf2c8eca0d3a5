"""Every word on the page that is not data."""

TITLE = "ResNet Explorer"
HINT = "Change any control. Click any block."
VARIANT_HELP = "A name and options, such as resnet56,shortcut=none. Press Enter."

TRAIN = {
    "drawn": "follows Build",
    "taken": "Classes and input size are the data's.",
    "race": "A race: the same data, seed and order of images for all.",
    "missing": "Not on this machine yet: Start fetches it, which takes a while, or says where to put it.",
    "recipe": "The same text as --recipe of the command line. Enter takes it.",
    "range": "One epoch in which the rate rises until the loss breaks.",
}

UPLOAD = "Your picture"
WEIGHTS_HELP = "Whose eyes to look through."
FILE_CHOICE = "A checkpoint file…"
FILE_HELP = ".safetensors, .pth or .th; its network is worked out from names and shapes."
FILE_VARIANT_HELP = "Only where it can't be worked out, such as a plain network."
SHARED_WEIGHTS = "These weights are not on the list: choose bundled or torchvision's, a run, or upload a file."
OP_HELP = "Any operation of the graph, in the order they run."
NO_PICTURE = "Choose a sample, or bring a picture of your own."
NO_SUCH_OP = "These weights' network has no {name}; {shown} is shown. "
KNOWS_ONLY = "It knows only {labels}, and answers with these whatever it is shown."

COMPARE = {
    "hint": "Type over a name, or add a network below. Ratios and differences are against the first.",
    "alone": "One network alone: add a second one above to see how they differ.",
    "full": "Four are the most: remove one to add another.",
    "too_many": "A comparison holds four networks; the first four of the link are shown.",
    "loading": "Loading what torchvision publishes; this takes some seconds, once.",
    "published": "Accuracy on ImageNet's validation images, as papers and torchvision print it; V2 weights were "
    "trained with a newer recipe. Dark: residual networks; light: other families. A ring: a network above; a line: "
    "one of which nothing is published.",
    "left_out": "Not drawn, since it solves another task than ImageNet's:",
}

# of the live view of runs; "{}" is filled in by the page
RUN = {
    "none": "Start a run on the left, or choose one from the list: it is drawn here as it goes, and is kept.",
    "starting": "A process of its own starts and loads torch; the first point comes in some seconds.",
    "preparing": "It reads the data and builds the network; the first point comes in some seconds.",
    "queued": "It waits for its turn, number {} in the line: one run, or one race, a device at a time.",
    "next": "It waits for its turn, the next one: one run, or one race, a device at a time.",
    "paused": "Resume it, and it goes on as if nothing had been.",
    "interrupted": "Its worker ended without a last word. Resume it: it goes on from its last checkpoint.",
    "silent": "The page's server does not answer. Runs go on without it; this page asks again.",
    "unwatched": "Not watched in this run: its instrument was switched off.",
    "no_film": "No frame yet: the first comes with the first steps.",
    "no_wrong": "Comes with the first epoch.",
    "all_right": "Every held-out image is answered rightly.",
    "wrong": "Held-out images taken for another class, the most certain mistakes first.",
    "film": "Each tile is one channel, scaled by itself: black is its lowest value, white its highest.",
}
