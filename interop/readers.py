CHECKS=[]
def stop(): pass
