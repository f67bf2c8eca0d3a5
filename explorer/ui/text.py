"""Every word on the page that is not data."""

TITLE = "ResNet Explorer"
HINT = "Change anything on the left. Click any block."
VARIANT_HELP = "A name and options, such as resnet56,shortcut=none. Press Enter."
FAMILY_HELP = "ImageNet: 224×224 pictures, four stages. CIFAR: 32×32, three stages of 6n+2 layers."
DEPTH_HELP = "Weighted layers on the main path."
BLOCK_HELP = "The residual function F: 3×3, 3×3, or 1×1, 3×3, 1×1."
SHORTCUT_HELP = "How x reaches the sum. A pads with zeros, B projects where shapes change, C everywhere."
STEM_HELP = "7×7 and max-pooling for large pictures, one 3×3 for small ones."
STRIDE_HELP = "Which convolution of a bottleneck halves the map: v1.5 as in torchvision, v1 as in the paper."
DEPTHS_HELP = "Blocks in each stage, such as 3-4-6-3."
WIDTH_HELP = "Planes of the first stage; each stage doubles them."
SHORTCUTS = [
    ("A · zero padding", "A"),
    ("B · projection where needed", "B"),
    ("C · projection everywhere", "C"),
    ("none · plain network", "none"),
]
STRIDES = [("3×3 (v1.5)", "3x3"), ("1×1 (v1)", "1x1")]

TRAIN_DRAWN = "Trains what is drawn in Build: <b>{variant}</b>. Classes, channels and input size come from the data."
DATA = [("Handwritten digits (1,797 images, built in)", "digits"), ("A folder of images on this machine", "folder")]
FOLDER_HELP = "Path of a folder that holds one folder of images per class."
NO_FOLDER = "No folder is given: write the path of one that holds a folder of images per class."
SHARED_FOLDER = "On a shared page only the built-in digits can be trained on: choose them."
LR_HELP = "Peak of the one-cycle schedule; empty: 0.1 for a batch of 64, in proportion."
DEVICE_HELP = "auto takes a GPU where there is one."
START = "Start training"

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
